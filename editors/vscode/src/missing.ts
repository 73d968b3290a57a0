// What a person is told where there is no program to start, with the ways out as buttons.
import * as vscode from 'vscode';
import type { Missing } from './server';

/** Say why Claw does not run. `allowUvx` is called where the person wants uvx to fetch the program. */
export async function tell(missing: Missing, allowUvx: () => Promise<void>): Promise<void> {
  const [uvx, settings, install] = ['Run it with uvx', 'Open settings', 'How to install'];
  const ways = missing.uvx ? [uvx, settings, install] : [settings, install];
  const said = `Claw could not start: ${missing.why} Install claw-lsp, or set claw.server.path to what \`claw-lsp init vscode\` prints.`;
  const picked = await vscode.window.showErrorMessage(said, ...ways);
  if (picked === uvx) {
    await allowUvx();
  } else if (picked === settings) {
    // In a remote window (SSH, WSL, a container) the person's own settings do not say where programs are.
    const command = vscode.env.remoteName ? 'openRemoteSettings' : 'openSettings2';
    await vscode.commands.executeCommand(`workbench.action.${command}`, { query: 'claw.server.path' });
  } else if (picked === install) {
    await vscode.commands.executeCommand('workbench.action.openWalkthrough', 'claw-lsp.claw-lsp#claw.start');
  }
}
