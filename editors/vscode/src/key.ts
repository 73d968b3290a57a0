// The API key: kept in VS Code's secret storage, handed to the server in its environment and nowhere else.
import * as vscode from 'vscode';

const NAME = 'anthropic';

/** What the server's environment gets beside this process's own. */
export async function environment(secrets: vscode.SecretStorage): Promise<Record<string, string>> {
  const key = await secrets.get(NAME);
  return key ? { ANTHROPIC_API_KEY: key } : {};
}

/** Ask for the key and keep it; an empty answer forgets it. True where something changed. */
export async function set(secrets: vscode.SecretStorage): Promise<boolean> {
  const before = await secrets.get(NAME);
  const key = await vscode.window.showInputBox({
    title: 'Claw: Set API Key',
    prompt: before ? 'A key is kept already. Another replaces it, an empty answer forgets it.' : 'It is kept in the secret storage of this machine.',
    placeHolder: 'sk-ant-…',
    password: true,
    ignoreFocusOut: true,
  });
  if (key === undefined || key.trim() === (before ?? '')) {
    return false;
  }
  await (key.trim() ? secrets.store(NAME, key.trim()) : secrets.delete(NAME));
  return true;
}
