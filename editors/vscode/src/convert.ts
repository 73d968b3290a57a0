// VS Code's values as the protocol's, where the client library has no converter for them.
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import type * as lsp from 'vscode-languageclient/node';

type Found<T> = Promise<T[] | undefined>;

export async function locations(client: LanguageClient, found: Found<vscode.Location | vscode.LocationLink>): Promise<lsp.Location[]> {
  const c2p = client.code2ProtocolConverter;
  return ((await found) ?? []).map((it) =>
    'targetUri' in it
      ? { uri: c2p.asUri(it.targetUri), range: c2p.asRange(it.targetSelectionRange ?? it.targetRange) }
      : { uri: c2p.asUri(it.uri), range: c2p.asRange(it.range) },
  );
}

/** All hovers of a place as one; null where there is none. */
export async function hover(client: LanguageClient, found: Found<vscode.Hover>): Promise<lsp.Hover | null> {
  const hovers = (await found) ?? [];
  const texts = hovers.flatMap((it) => it.contents).map(markdown).filter((it) => it.trim());
  const range = hovers[0]?.range;
  if (!texts.length) {
    return null;
  }
  const contents: lsp.MarkupContent = { kind: 'markdown', value: texts.join('\n\n---\n\n') };
  return range ? { contents, range: client.code2ProtocolConverter.asRange(range) } : { contents };
}

export function symbol(client: LanguageClient, it: vscode.DocumentSymbol | vscode.SymbolInformation): lsp.DocumentSymbol | lsp.SymbolInformation {
  const c2p = client.code2ProtocolConverter;
  // Providers of documents answer either kind; the one with places of its own has a selection range.
  if ('selectionRange' in it) {
    return {
      name: it.name,
      detail: it.detail,
      kind: c2p.asSymbolKind(it.kind),
      range: c2p.asRange(it.range),
      selectionRange: c2p.asRange(it.selectionRange),
      children: it.children.map((child) => symbol(client, child) as lsp.DocumentSymbol),
    };
  }
  return { name: it.name, kind: c2p.asSymbolKind(it.kind), containerName: it.containerName, location: c2p.asLocation(it.location) };
}

/** The text edits of a workspace edit; what it does to files is left out. */
export function workspaceEdit(client: LanguageClient, edit: vscode.WorkspaceEdit): lsp.WorkspaceEdit {
  const c2p = client.code2ProtocolConverter;
  return { changes: Object.fromEntries(edit.entries().map(([uri, edits]) => [c2p.asUri(uri), edits.map((it) => c2p.asTextEdit(it))])) };
}

export function action(client: LanguageClient, it: vscode.CodeAction): lsp.CodeAction {
  const { edit, command } = it;
  return {
    title: it.title,
    ...(it.kind ? { kind: it.kind.value } : {}),
    ...(it.isPreferred ? { isPreferred: true } : {}),
    ...(edit ? { edit: workspaceEdit(client, edit) } : {}),
    ...(command ? { command: client.code2ProtocolConverter.asCommand(command) } : {}),
  };
}

function markdown(it: vscode.MarkedString | vscode.MarkdownString): string {
  if (typeof it === 'string') {
    return it;
  }
  return 'language' in it ? `\`\`\`${it.language}\n${it.value}\n\`\`\`` : it.value;
}
