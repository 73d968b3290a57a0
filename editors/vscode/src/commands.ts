// Commands of the palette. VS Code sends those of a server without arguments; these add the file, the selection and words.
import * as vscode from 'vscode';
import type { Answers } from './answers';
import type { Connection } from './connection';
import { isChat } from './chat';

interface Offer {
  title: string;
  /** Whether it is about the place the person is at. */
  place?: boolean;
  /** What the input box asks; with `optional` an empty answer does, too. */
  words?: string;
  optional?: boolean;
}

/** By the server's name of the command, without `claw.`; package.json has them as `clawEditor.NAME`. */
export const OFFERS: Record<string, Offer> = {
  chat: { title: 'Chat' },
  ask: { title: 'Ask', place: true, words: 'What do you want to ask?' },
  edit: { title: 'Edit', place: true, words: 'What should be edited?' },
  fix: { title: 'Fix', place: true },
  explain: { title: 'Explain', place: true },
  tests: { title: 'Write tests', place: true },
  document: { title: 'Document', place: true },
  refactor: { title: 'Refactor', place: true, words: 'How? (Enter leaves it to Claw)', optional: true },
  review: { title: 'Review', place: true },
  init: { title: 'Write CLAW.md' },
  help: { title: 'Help' },
  status: { title: 'Status' },
  cost: { title: 'Cost' },
  context: { title: 'Context' },
  compact: { title: 'Compact' },
  rewind: { title: 'Rewind' },
  redo: { title: 'Redo' },
  diff: { title: 'Changes' },
  sessions: { title: 'Sessions' },
  permissions: { title: 'Permissions' },
  hooks: { title: 'Hooks' },
  mcp: { title: 'MCP servers' },
  memory: { title: 'Memory' },
  model: { title: 'Model' },
  mode: { title: 'Mode' },
  effort: { title: 'Effort' },
};

export class Commands {
  constructor(
    private readonly connection: Connection,
    private readonly answers: Answers,
  ) {}

  /** Have the server do what was picked, with the file and the selection that the person looks at. */
  async send(name: string): Promise<void> {
    const { title, place, words, optional } = OFFERS[name]!;
    const running = await this.connection.ready();
    const args: Record<string, unknown> = place ? this.place() : {};
    if (words && running) {
      const said = await vscode.window.showInputBox({ title: `Claw: ${title}`, prompt: words, ignoreFocusOut: true });
      if (said === undefined || !(said.trim() || optional)) {
        return;
      }
      args['prompt'] = said;
    }
    await this.answers.show(title, await this.connection.execute(`claw.${name}`, args));
  }

  async stop(): Promise<void> {
    const answer = await this.connection.execute('claw.stop');
    if (Array.isArray(answer?.['stopped']) && !answer['stopped'].length) {
      void vscode.window.showInformationMessage('Claw: nothing is running.');
    }
  }

  /** Answer a question that waits, also one whose box was closed. */
  async questions(): Promise<void> {
    const answer = await this.connection.execute('claw.questions');
    const waiting = (answer?.['questions'] ?? []) as { question: string; title: string; detail: string; choices: { choice: string; title: string }[] }[];
    if (answer && !waiting.length) {
      void vscode.window.showInformationMessage('Claw: no question waits.');
    }
    const rows = waiting.map((it) => ({ ...it, label: it.title }));
    const question = rows.length > 1 ? await vscode.window.showQuickPick(rows, { title: 'Claw: questions' }) : rows[0];
    const choices = question?.choices.map((it) => ({ ...it, label: it.title }));
    const choice = choices && (await vscode.window.showQuickPick(choices, { title: `Claw: ${question?.title}`, ignoreFocusOut: true }));
    if (question && choice) {
      await this.connection.execute('claw.answer', { question: question.question, choice: choice.choice });
    }
  }

  /**
   * Write a commit message where one is being written: into a COMMIT_EDITMSG that is open, else into the box of the source
   * control view. Words that stand there stay; the message is then shown. `repository` is the one whose button was pressed.
   */
  async commitMessage(repository?: vscode.Uri): Promise<void> {
    await this.connection.ready();
    const args = repository ? { uri: String(repository) } : this.place(['uri']);
    const started = await this.connection.execute('claw.commitMessage', args);
    const ended = started?.run ? await this.connection.execute('claw.wait', { run: started.run }) : undefined;
    const text = ended?.text;
    if (!text || (await intoOpenMessage(text)) || (await intoBox(text, repository))) {
      return;
    }
    await this.answers.show('Commit message', ended);
  }

  /** The file and selection that are looked at; a chat is no place to work on. */
  private place(fields = ['uri', 'range']): Record<string, unknown> {
    const c2p = this.connection.running?.code2ProtocolConverter;
    const editor = vscode.window.activeTextEditor;
    if (!c2p || !editor || isChat(editor.document) || !['file', 'untitled'].includes(editor.document.uri.scheme)) {
      return {};
    }
    const found = { uri: c2p.asUri(editor.document.uri), range: c2p.asRange(editor.selection) };
    return Object.fromEntries(Object.entries(found).filter(([name]) => fields.includes(name)));
  }
}

/** Put it above git's comments in the message that is open; whether there is one without words of the person's. */
async function intoOpenMessage(text: string): Promise<boolean> {
  const open = vscode.workspace.textDocuments.find((it) => !it.isClosed && it.uri.path.endsWith('/COMMIT_EDITMSG'));
  const above = open?.getText().split('# ------------------------ >8 ------------------------')[0] ?? '';
  if (!open || above.replace(/^#.*$/gm, '').trim()) {
    return false;
  }
  const change = new vscode.WorkspaceEdit();
  change.insert(open.uri, new vscode.Position(0, 0), `${text}\n`);
  return vscode.workspace.applyEdit(change);
}

/** Put it into the box of the source control view; whether there is one without words of the person's. */
async function intoBox(text: string, from?: vscode.Uri): Promise<boolean> {
  const git = vscode.extensions.getExtension('vscode.git');
  const api = git && (await git.activate())?.getAPI?.(1);
  const at = from ?? vscode.window.activeTextEditor?.document.uri;
  const repository = (at && api?.getRepository?.(at)) ?? api?.repositories?.[0];
  if (!repository || repository.inputBox.value.trim()) {
    return false;
  }
  repository.inputBox.value = text;
  await vscode.commands.executeCommand('workbench.view.scm');
  return true;
}
