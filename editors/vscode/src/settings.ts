// The section `claw` as the server gets it: only what somebody wrote down, so that a default here outvotes no settings file.
import * as vscode from 'vscode';

/** Settings that are this extension's own and mean nothing to the server. */
const OURS = /^(server|trace)\./;

/** The section for a place, its dots made objects. `extension` says which settings there are. */
export function section(extension: vscode.Extension<unknown>, scope?: vscode.Uri): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration('claw', scope);
  const found: Record<string, unknown> = {};
  for (const name of names(extension)) {
    const said = configuration.inspect(name);
    const written = [said?.globalValue, said?.workspaceValue, said?.workspaceFolderValue];
    if (!OURS.test(name) && written.some((it) => it !== undefined)) {
      put(found, name.split('.'), configuration.get(name));
    }
  }
  if (!vscode.workspace.isTrusted) {
    // The server takes nothing of the folder's own files then, and asks nobody whether it may.
    found['workspaceTrusted'] = false;
  }
  return found;
}

function names(extension: vscode.Extension<unknown>): string[] {
  const groups: { properties: Record<string, unknown> }[] = extension.packageJSON.contributes.configuration;
  return groups.flatMap((it) => Object.keys(it.properties)).map((it) => it.replace(/^claw\./, ''));
}

function put(into: Record<string, unknown>, keys: string[], value: unknown): void {
  const [key, ...rest] = keys as [string, ...string[]];
  if (rest.length === 0) {
    into[key] = value;
  } else {
    put((into[key] ??= {}) as Record<string, unknown>, rest, value);
  }
}
