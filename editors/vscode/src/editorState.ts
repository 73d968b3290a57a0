// Tells the server where the person is, at most ten times a second.
import * as vscode from 'vscode';
import type { Connection } from './connection';

const PAUSE = 100;

export function tellWhere(connection: Connection): vscode.Disposable {
  let timer: NodeJS.Timeout | undefined;
  let told = '';
  const soon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      const client = connection.running;
      const editor = vscode.window.activeTextEditor;
      if (!client || !editor || !['file', 'untitled'].includes(editor.document.uri.scheme)) {
        return;
      }
      const c2p = client.code2ProtocolConverter;
      const visible = [...new Set(vscode.window.visibleTextEditors.map((it) => c2p.asUri(it.document.uri)))];
      const state = { uri: c2p.asUri(editor.document.uri), selection: c2p.asRange(editor.selection), visible };
      const text = JSON.stringify(state);
      if (text !== told) {
        told = text;
        void client.sendNotification('claw/editorState', state);
      }
    }, PAUSE);
  };
  return vscode.Disposable.from(
    vscode.window.onDidChangeActiveTextEditor(soon),
    vscode.window.onDidChangeTextEditorSelection((it) => it.textEditor === vscode.window.activeTextEditor && soon()),
    vscode.window.onDidChangeVisibleTextEditors(soon),
    connection.onState(() => {
      told = '';
      soon();
    }),
    { dispose: () => clearTimeout(timer) },
  );
}
