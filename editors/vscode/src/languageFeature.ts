// `claw/languageFeature`: what the editor's other servers know, asked through VS Code's own commands; Claw's part is left out.
import * as vscode from 'vscode';
import type { LanguageClient, Middleware } from 'vscode-languageclient/node';
import type * as lsp from 'vscode-languageclient/node';
import type { Part } from './connection';
import * as convert from './convert';

interface Asked {
  method: string;
  params: any;
}

export class LanguageFeature implements Part {
  /** Requests under way. While there are any, Claw's own hovers and actions are silent: VS Code asks every server. */
  private n_asked = 0;

  readonly middleware: Middleware = {
    provideHover: (document, position, token, next) => (this.n_asked ? null : next(document, position, token)),
    provideCodeActions: (document, range, context, token, next) => (this.n_asked ? [] : next(document, range, context, token)),
    provideDocumentSymbols: (document, token, next) => (this.n_asked ? [] : next(document, token)),
    provideDefinition: (document, position, token, next) => (this.n_asked ? null : next(document, position, token)),
    provideReferences: (document, position, options, token, next) => (this.n_asked ? [] : next(document, position, options, token)),
    provideWorkspaceSymbols: (query, token, next) => (this.n_asked ? [] : next(query, token)),
  };

  attach(client: LanguageClient): void {
    client.onRequest('claw/languageFeature', async (asked: Asked) => {
      this.n_asked += 1;
      try {
        return await answer(client, asked);
      } catch (error) {
        // A provider that fails, or a place that is not there, is nothing that can be told.
        client.outputChannel.debug(`${asked.method}: ${String(error)}`);
        return null;
      } finally {
        this.n_asked -= 1;
      }
    });
  }
}

async function answer(client: LanguageClient, { method, params }: Asked): Promise<unknown> {
  const p2c = client.protocol2CodeConverter;
  const uri = (): vscode.Uri => p2c.asUri(params.textDocument.uri);
  const place = (): [vscode.Uri, vscode.Position] => [uri(), p2c.asPosition(params.position as lsp.Position)];
  switch (method) {
    case 'textDocument/definition':
      return convert.locations(client, provided('vscode.executeDefinitionProvider', ...place()));
    case 'textDocument/references':
      return convert.locations(client, provided('vscode.executeReferenceProvider', ...place()));
    case 'textDocument/hover':
      return convert.hover(client, provided('vscode.executeHoverProvider', ...place()));
    case 'textDocument/documentSymbol':
      return symbols(client, provided('vscode.executeDocumentSymbolProvider', uri()));
    case 'workspace/symbol':
      return symbols(client, provided('vscode.executeWorkspaceSymbolProvider', params.query ?? ''));
    case 'textDocument/rename':
      return renamed(client, ...place(), params.newName);
    case 'textDocument/codeAction':
      return actions(client, uri(), params);
    case 'textDocument/diagnostic':
      return { kind: 'full', items: await diagnostics(client, vscode.languages.getDiagnostics(uri())) };
    case 'workspace/diagnostic':
      return { items: await everywhere(client) };
    default:
      return null;
  }
}

function provided<T>(command: string, ...args: unknown[]): Promise<T[] | undefined> {
  return Promise.resolve(vscode.commands.executeCommand<T[] | undefined>(command, ...args));
}

async function symbols(client: LanguageClient, found: Promise<vscode.DocumentSymbol[] | undefined>): Promise<unknown[]> {
  return ((await found) ?? []).map((it) => convert.symbol(client, it));
}

async function renamed(client: LanguageClient, uri: vscode.Uri, at: vscode.Position, name: string): Promise<lsp.WorkspaceEdit | null> {
  const edit = await vscode.commands.executeCommand<vscode.WorkspaceEdit | undefined>('vscode.executeDocumentRenameProvider', uri, at, name);
  return edit ? convert.workspaceEdit(client, edit) : null;
}

async function actions(client: LanguageClient, uri: vscode.Uri, params: any): Promise<lsp.CodeAction[]> {
  const range = client.protocol2CodeConverter.asRange(params.range as lsp.Range);
  const kind: string | undefined = params.context?.only?.[0];
  const found = await provided<vscode.CodeAction>('vscode.executeCodeActionProvider', uri, range, kind, RESOLVED);
  return (found ?? []).map((it) => convert.action(client, it));
}

/** How many of the actions are asked for their edits, too. */
const RESOLVED = 20;

async function diagnostics(client: LanguageClient, found: vscode.Diagnostic[]): Promise<lsp.Diagnostic[]> {
  return client.code2ProtocolConverter.asDiagnostics(found.filter((it) => it.source !== 'claw'));
}

async function everywhere(client: LanguageClient): Promise<unknown[]> {
  const found = await Promise.all(
    vscode.languages.getDiagnostics().map(async ([uri, all]) => ({
      uri: client.code2ProtocolConverter.asUri(uri),
      kind: 'full',
      items: await diagnostics(client, all),
    })),
  );
  return found.filter((it) => it.items.length > 0);
}
