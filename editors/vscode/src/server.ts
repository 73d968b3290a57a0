// Where the claw-lsp program is: the setting, the workspace's environment, PATH, and uvx where the person said so.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';

export interface Program {
  command: string;
  args: string[];
}

/** Why there is no program: a sentence for the person, and whether uvx could fetch it. */
export interface Missing {
  why: string;
  uvx: boolean;
}

/** The program to start. In a workspace that is not trusted nothing that lies in it, or that it names, is run. */
export async function find(uvxAllowed: boolean): Promise<Program | Missing> {
  const args = ['serve'];
  const wanted = vscode.workspace.getConfiguration('claw').get<string>('server.path', '').trim();
  if (wanted) {
    const command = named(wanted);
    return command
      ? { command, args }
      : { why: `claw.server.path is "${wanted}", and there is no such program.`, uvx: false };
  }
  const folders = vscode.workspace.isTrusted ? await environments() : [];
  const command = first(folders.map((it) => path.join(it, 'claw-lsp'))) ?? onPath('claw-lsp');
  if (command) {
    return { command, args };
  }
  const uvx = onPath('uvx');
  if (uvx && uvxAllowed) {
    return { command: uvx, args: ['claw-lsp', ...args] };
  }
  const where = vscode.workspace.isTrusted ? "the workspace's .venv or venv, the selected Python's folder or PATH" : 'PATH';
  return { why: `there is no claw-lsp in ${where}.`, uvx: uvx !== undefined };
}

/** A program by what the setting says: a path (with `~` and `${workspaceFolder}`), else a name on PATH. */
function named(wanted: string): string | undefined {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
  const expanded = wanted.replace(/^~(?=[/\\])/, os.homedir()).replaceAll('${workspaceFolder}', folder);
  return /[/\\]/.test(expanded) ? first([path.resolve(folder, expanded)]) : onPath(expanded);
}

/** Folders of programs that belong to the workspace. */
async function environments(): Promise<string[]> {
  const bin = process.platform === 'win32' ? 'Scripts' : 'bin';
  const local = (vscode.workspace.workspaceFolders ?? [])
    .filter((it) => it.uri.scheme === 'file')
    .flatMap((it) => ['.venv', 'venv'].map((name) => path.join(it.uri.fsPath, name, bin)));
  const python = await selectedPython();
  return python ? [...local, path.dirname(python)] : local;
}

/** The interpreter picked in the Python extension, where that is installed. */
async function selectedPython(): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension('ms-python.python');
  try {
    const api = await extension?.activate();
    const found: unknown = api?.environments?.getActiveEnvironmentPath?.()?.path;
    return typeof found === 'string' && path.isAbsolute(found) ? found : undefined;
  } catch {
    // A Python extension that cannot start names no interpreter.
    return undefined;
  }
}

function onPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((it) => path.isAbsolute(it));
  return first(folders.map((it) => path.join(it, name)));
}

function first(candidates: string[]): string | undefined {
  const endings = process.platform === 'win32' ? ['.exe', ''] : [''];
  return candidates.flatMap((it) => endings.map((ending) => it + ending)).find(runnable);
}

function runnable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
