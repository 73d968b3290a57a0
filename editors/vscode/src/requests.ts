// What the server asks of this window: save, words, a choice.
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import type { Part } from './connection';
import type { InputParams, PickParams } from './protocol';

export const requests: Part = {
  attach(client: LanguageClient): void {
    client.onRequest('claw/save', save);
    client.onRequest('claw/input', input);
    client.onRequest('claw/pick', pick);
  },
};

/** Save those of the files that are open, shown or not; answers which were saved. */
async function save({ uris }: { uris: string[] }): Promise<{ saved: string[] }> {
  const saved: string[] = [];
  for (const uri of uris) {
    const wanted = vscode.Uri.parse(uri).toString();
    const document = vscode.workspace.textDocuments.find((it) => it.uri.toString() === wanted);
    if (document && !document.isUntitled && (await document.save())) {
      saved.push(uri);
    }
  }
  return { saved };
}

async function input({ title, value, placeholder }: InputParams): Promise<string | null> {
  const words = await vscode.window.showInputBox({ title, value: value ?? '', placeHolder: placeholder, ignoreFocusOut: true });
  return words ?? null;
}

/** The ids that were picked; null where the list was closed. */
async function pick({ title, items, many }: PickParams): Promise<string[] | null> {
  const options = { title, ignoreFocusOut: true, matchOnDescription: true, matchOnDetail: true };
  if (many) {
    const picked = await vscode.window.showQuickPick(items, { ...options, canPickMany: true });
    return picked?.map((it) => it.id) ?? null;
  }
  // Without several to pick from, the one in force is only marked.
  const rows = items.map((it) => ({ ...it, picked: false, label: it.picked ? `$(check) ${it.label}` : it.label }));
  const picked = await vscode.window.showQuickPick(rows, options);
  return picked ? [picked.id] : null;
}
