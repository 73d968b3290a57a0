// Changes that wait for review: marks in the gutter and on the lines, and the way from one to the next.
import * as vscode from 'vscode';
import type { Connection } from './connection';
import type { Hunk } from './protocol';

const LOOKS = {
  open: { icon: 'hunk-open.svg', colour: 'editorGutter.addedBackground', line: 'diffEditor.insertedLineBackground' },
  conflict: { icon: 'hunk-conflict.svg', colour: 'editorGutter.deletedBackground', line: 'diffEditor.removedLineBackground' },
  proposed: { icon: 'hunk-proposed.svg', colour: 'editorGutter.modifiedBackground', line: 'editor.wordHighlightBackground' },
} as const;

/** The command for what was applied, and for what is proposed. */
const DOES = {
  keep: ['claw.keep', 'claw.apply'],
  revert: ['claw.undo', 'claw.dismiss'],
  show: ['claw.diff', 'claw.diff'],
} as const;

type State = Hunk['state'];

export class Hunks implements vscode.Disposable {
  /** By URI, as VS Code writes it. */
  private readonly all = new Map<string, Hunk[]>();
  private readonly types: Record<State, vscode.TextEditorDecorationType>;
  private readonly owned: vscode.Disposable[];
  private readonly answered = new vscode.EventEmitter<Set<string>>();
  /** Told which prompts have proposals that wait, whenever hunks changed. */
  readonly onProposals = this.answered.event;

  constructor(
    context: vscode.ExtensionContext,
    private readonly connection: Connection,
  ) {
    const states = Object.keys(LOOKS) as State[];
    this.types = Object.fromEntries(states.map((it) => [it, decoration(context, it)])) as typeof this.types;
    this.owned = [
      ...Object.values(this.types),
      this.answered,
      connection.onEvent((it) => it.kind === 'hunks' && this.took(it.uri, it.hunks)),
      connection.onState((running) => running || this.clear()),
      vscode.window.onDidChangeVisibleTextEditors(() => this.draw()),
      vscode.window.onDidChangeActiveTextEditor(() => this.tell()),
    ];
  }

  /** Go to the next hunk of the document, or the one before; round at its ends. */
  go(step: 1 | -1): void {
    const editor = vscode.window.activeTextEditor;
    const lines = this.of(editor).map((it) => it.range.start.line).sort((a, b) => (a - b) * step);
    if (!editor || !lines.length) {
      void vscode.window.showInformationMessage('No change of Claw’s waits in this file.');
      return;
    }
    const here = editor.selection.active.line;
    const line = lines.find((it) => (it - here) * step > 0) ?? lines[0]!;
    const at = new vscode.Position(Math.min(line, editor.document.lineCount - 1), 0);
    editor.selection = new vscode.Selection(at, at);
    editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }

  /** Keep the hunk at the cursor, take it back or show it as a difference; a proposal is applied or dismissed. */
  async decide(what: keyof typeof DOES): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const line = editor?.selection.active.line ?? -1;
    const found = this.of(editor).find((it) => it.range.start.line <= line && line <= lastLine(it));
    if (found) {
      await this.connection.execute(DOES[what][found.state === 'proposed' ? 1 : 0], { hunk: found.hunk });
    } else {
      void vscode.window.showInformationMessage('The cursor is on no change of Claw’s.');
    }
  }

  /** Keep or revert everything that waits: in the file that is looked at, or everywhere. */
  async decideAll(what: 'keep' | 'revert', everywhere: boolean): Promise<void> {
    const here = this.of(vscode.window.activeTextEditor);
    const waiting = everywhere ? [...this.all.values()].flat() : here;
    const meant = everywhere ? { all: true } : { uri: here[0]?.uri };
    const said: string[] = [];
    for (const [n, command] of DOES[what].entries()) {
      if (waiting.some((it) => (it.state === 'proposed') === (n === 1))) {
        said.push((await this.connection.execute(command, meant))?.text ?? '');
      }
    }
    const text = said.filter(Boolean).join(' ');
    void vscode.window.showInformationMessage(waiting.length ? text || 'Done.' : 'No change of Claw’s waits here.');
  }

  dispose(): void {
    this.owned.forEach((it) => it.dispose());
  }

  private took(uri: string, hunks: Hunk[]): void {
    this.all.set(vscode.Uri.parse(uri).toString(), hunks);
    this.draw();
    this.tell();
    const waiting = [...this.all.values()].flat().filter((it) => it.state === 'proposed');
    this.answered.fire(new Set(waiting.map((it) => it.prompt_id)));
  }

  private clear(): void {
    this.all.clear();
    this.draw();
    this.tell();
  }

  private of(editor: vscode.TextEditor | undefined): Hunk[] {
    return (editor && this.all.get(editor.document.uri.toString())) ?? [];
  }

  private draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const hunks = this.of(editor);
      for (const [state, type] of Object.entries(this.types)) {
        editor.setDecorations(type, hunks.filter((it) => it.state === state).map((it) => new vscode.Range(it.range.start.line, 0, lastLine(it), 0)));
      }
    }
  }

  private tell(): void {
    const any = this.of(vscode.window.activeTextEditor).length > 0;
    void vscode.commands.executeCommand('setContext', 'clawEditor.hunks', any);
  }
}

/** The last line a hunk has text on: a range that ends before a line's first letter does not touch that line. */
function lastLine({ range: { start, end } }: Hunk): number {
  return end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
}

function decoration(context: vscode.ExtensionContext, state: State): vscode.TextEditorDecorationType {
  const { icon, colour, line } = LOOKS[state];
  return vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor(line),
    gutterIconPath: vscode.Uri.joinPath(context.extensionUri, 'media', icon),
    gutterIconSize: 'contain',
    overviewRulerColor: new vscode.ThemeColor(colour),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
}
