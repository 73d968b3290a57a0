// Differences that the server shows, as VS Code's own diff editors; a proposal's has Accept and Reject in its title.
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import type { Connection, Part } from './connection';
import type { DiffParams } from './protocol';

const SCHEME = 'claw-diff';

/** One diff that is shown: what its tab is called, and the prompt whose proposal it is. */
interface Shown {
  label: string;
  texts: string[];
  prompt?: string;
  /** Whether the prompt's changes were ever among those that wait: the server tells of them after it showed them. */
  awaited: boolean;
}

export class Diffs implements Part, vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private shown: Shown[] = [];
  private n = 0;
  private readonly owned: vscode.Disposable[] = [];

  constructor() {
    this.owned.push(
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.window.tabGroups.onDidChangeTabs(() => this.look()),
      vscode.window.tabGroups.onDidChangeTabGroups(() => this.look()),
    );
  }

  attach(client: LanguageClient): void {
    client.onRequest<boolean, void>('claw/diff', (params: DiffParams) => this.show(params));
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? '';
  }

  /** Accept or reject the proposal that is looked at, and close it once the server has done so. */
  async answer(connection: Connection, command: 'claw.apply' | 'claw.dismiss'): Promise<void> {
    const found = this.current();
    if (!found?.prompt) {
      void vscode.window.showInformationMessage('There is no proposal of Claw’s in front of you.');
      return;
    }
    const answer = await connection.execute(command, { prompt_id: found.prompt });
    // What was typed in its way is still to be seen: it stays open, and the server has said so.
    if (answer && !(answer['conflicts'] as unknown[] | undefined)?.length) {
      await this.close(found);
    }
  }

  /** Close what is shown of proposals that were answered: `waiting` are the prompts whose changes still wait. */
  async forget(waiting: Set<string>): Promise<void> {
    for (const it of this.shown.filter((it) => it.prompt)) {
      if (waiting.has(it.prompt!)) {
        it.awaited = true;
      } else if (it.awaited) {
        await this.close(it);
      }
    }
  }

  dispose(): void {
    this.owned.forEach((it) => it.dispose());
  }

  private async show({ title, proposal, prompt_id, files }: DiffParams): Promise<boolean> {
    const label = proposal ? `Claw proposes: ${title}` : title;
    const before = this.shown.find((it) => it.label === label);
    if (before) {
      await this.close(before);
    }
    const triples = files.map((it) => {
      const path = vscode.Uri.parse(it.uri);
      return [path, this.keep(path, 'before', it.before), this.keep(path, 'after', it.after)] as const;
    });
    const texts = triples.flatMap(([, left, right]) => [left.toString(), right.toString()]);
    this.shown.push({ label, texts, awaited: false, ...(proposal && prompt_id ? { prompt: prompt_id } : {}) });
    const [only, ...more] = triples;
    if (!only) {
      return false;
    }
    await (more.length
      ? vscode.commands.executeCommand('vscode.changes', label, triples)
      : vscode.commands.executeCommand('vscode.diff', only[1], only[2], label, { preview: false }));
    this.look();
    return true;
  }

  private keep(path: vscode.Uri, side: string, text: string): vscode.Uri {
    // The path keeps its ending, which says the language.
    const uri = vscode.Uri.from({ scheme: SCHEME, path: path.path, query: `${side}-${++this.n}` });
    this.texts.set(uri.toString(), text);
    return uri;
  }

  /** What the active tab shows. A tab over several files has no address, but VS Code puts their number behind its name. */
  private current(): Shown | undefined {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    return tab && this.shown.find((it) => showing(tab, it));
  }

  private look(): void {
    const tabs = vscode.window.tabGroups.all.flatMap((it) => it.tabs);
    const [there, gone] = [true, false].map((is) => this.shown.filter((it) => tabs.some((tab) => showing(tab, it)) === is));
    gone?.flatMap((it) => it.texts).forEach((it) => this.texts.delete(it));
    this.shown = there ?? [];
    void vscode.commands.executeCommand('setContext', 'clawEditor.proposal', this.current()?.prompt !== undefined);
  }

  private async close(it: Shown): Promise<void> {
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter((tab) => showing(tab, it));
    await vscode.window.tabGroups.close(tabs);
    this.look();
  }
}

function showing(tab: vscode.Tab, it: Shown): boolean {
  if (tab.input instanceof vscode.TabInputTextDiff) {
    return it.texts.includes(tab.input.modified.toString());
  }
  return !(tab.input instanceof vscode.TabInputText) && (tab.label === it.label || tab.label.startsWith(`${it.label} (`));
}
