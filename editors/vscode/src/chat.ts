// Chat documents: opened beside the text, sent with a key, and kept in view while the answer streams in.
import * as vscode from 'vscode';
import type { Middleware, ShowDocumentParams, ShowDocumentResult } from 'vscode-languageclient/node';
import type { Connection, Part } from './connection';

/** The marker in a chat's title, and the one at the end of a prompt's heading. */
const TITLE = /<!-- claw:[0-9a-z]{1,32} chat( \S+)? -->/;
const PROMPT = /<!-- claw:[0-9a-z]{1,32} you \d+ -->[ \t]*\r?$/;
const HEAD = 40;

export function isChat(document: vscode.TextDocument): boolean {
  const head = new vscode.Range(0, 0, Math.min(document.lineCount, HEAD), 0);
  return document.languageId === 'markdown' && TITLE.test(document.getText(head));
}

export class Chats implements Part, vscode.Disposable {
  private readonly owned: vscode.Disposable[];
  /** Views whose person has scrolled away from their prompt; they are left where they are. */
  private readonly left = new WeakSet<vscode.TextEditor>();
  /** The first line that each view showed. */
  private readonly top = new WeakMap<vscode.TextEditor, number>();

  readonly middleware: Middleware = {
    window: {
      showDocument: async (params, token, next) => (await show(params)) ?? (await next(params, token)),
    },
  };

  constructor(private readonly connection: () => Connection) {
    this.owned = [
      vscode.workspace.onDidChangeTextDocument((it) => this.follow(it.document)),
      vscode.window.onDidChangeTextEditorVisibleRanges((it) => this.scrolled(it.textEditor)),
      // A key or a click brings the person back; text that comes in above moves the cursor, too, but by no kind of theirs.
      vscode.window.onDidChangeTextEditorSelection((it) => it.kind !== undefined && this.left.delete(it.textEditor)),
      vscode.workspace.onDidOpenTextDocument((it) => know(it)),
      vscode.workspace.onDidCloseTextDocument((it) => forget(it)),
    ];
    vscode.workspace.textDocuments.forEach((it) => void know(it));
  }

  /** Send the prompt of the chat that is looked at. */
  async send(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor || !isChat(editor.document)) {
      void vscode.window.showInformationMessage('This is no chat of Claw’s. Open one with Claw: Chat.');
      return;
    }
    this.left.delete(editor);
    await this.connection().execute('claw.send', { uri: editor.document.uri.toString() });
  }

  dispose(): void {
    this.owned.forEach((it) => it.dispose());
  }

  private follow(document: vscode.TextDocument): void {
    if (!isChat(document)) {
      return;
    }
    // A chat that was opened empty becomes one when its heading is written.
    void know(document);
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor.document === document && !this.left.has(editor) && inPrompt(editor)) {
        editor.revealRange(editor.selection);
      }
    }
  }

  /** A stream moves the view down only: what moved it up, away from the cursor, was the person. */
  private scrolled(editor: vscode.TextEditor): void {
    if (!isChat(editor.document)) {
      return;
    }
    const start = editor.visibleRanges[0]?.start.line ?? 0;
    const up = start < (this.top.get(editor) ?? 0);
    this.top.set(editor, start);
    if (up && !editor.visibleRanges.some((it) => it.contains(editor.selection.active))) {
      this.left.add(editor);
    }
  }
}

/** Whether the cursor stands where the next prompt is written, below everything else. */
function inPrompt({ document, selection }: vscode.TextEditor): boolean {
  for (let n = document.lineCount - 1; n >= 0; n -= 1) {
    if (PROMPT.test(document.lineAt(n).text)) {
      return selection.active.line >= n;
    }
  }
  return false;
}

/** The chats that are open, each by what `resourcePath` is in the conditions of package.json: keys and buttons follow from it. */
const chats = new Map<string, string>();

async function know(document: vscode.TextDocument): Promise<void> {
  const { uri } = document;
  if (!chats.has(uri.toString()) && isChat(document)) {
    chats.set(uri.toString(), uri.scheme === 'file' ? uri.fsPath : uri.path);
    await vscode.commands.executeCommand('setContext', 'clawEditor.chats', [...chats.values()]);
  }
}

function forget({ uri }: vscode.TextDocument): void {
  if (chats.delete(uri.toString())) {
    void vscode.commands.executeCommand('setContext', 'clawEditor.chats', [...chats.values()]);
  }
}

/** Show a chat beside what the person works on; undefined where the document is none, and shown the usual way. */
async function show(params: ShowDocumentParams): Promise<ShowDocumentResult | undefined> {
  const uri = vscode.Uri.parse(params.uri);
  if (params.external || !uri.path.endsWith('.md')) {
    return undefined;
  }
  const document = await vscode.workspace.openTextDocument(uri).then(undefined, () => undefined);
  if (!document || !isChat(document)) {
    return undefined;
  }
  // Before it is seen, so that the first key a person presses in it is known to be one in a chat.
  await know(document);
  const at = params.selection;
  const selection = at && new vscode.Range(at.start.line, at.start.character, at.end.line, at.end.character);
  const preserveFocus = params.takeFocus !== true;
  await vscode.window.showTextDocument(document, { viewColumn: column(document), preserveFocus, preview: false, ...(selection ? { selection } : {}) });
  return { success: true };
}

/** The column that has the chat, else one that has another, else the one beside. */
function column(document: vscode.TextDocument): vscode.ViewColumn {
  const groups = vscode.window.tabGroups.all;
  const holds = (group: vscode.TabGroup, wanted: (uri: vscode.Uri) => boolean): boolean =>
    group.tabs.some((it) => it.input instanceof vscode.TabInputText && wanted(it.input.uri));
  const there = groups.find((it) => holds(it, (uri) => uri.toString() === document.uri.toString()));
  const folder = vscode.Uri.joinPath(document.uri, '..').path;
  const others = groups.find((it) => holds(it, (uri) => vscode.Uri.joinPath(uri, '..').path === folder));
  const empty = groups.every((it) => it.tabs.length === 0);
  return (there ?? others)?.viewColumn ?? (empty ? vscode.ViewColumn.Active : vscode.ViewColumn.Beside);
}
