// Starts claw-lsp for every file, puts its questions, saves for it, asks for words, and hands file and selection to its commands.
'use strict';

const fs = require('fs');
const path = require('path');
const vscode = require('vscode');
const { LanguageClient, TransportKind } = require('vscode-languageclient/node');

/** Commands of the palette, which VS Code sends without arguments: whether each needs a place, and words. */
const COMMANDS = {
  chat: {},
  ask: { place: true, words: 'What do you want to ask?' },
  fix: { place: true },
  explain: { place: true },
  edit: { place: true, words: 'What should be edited?' },
  tests: { place: true },
  stop: {},
  status: {},
};

let client;

/** The announcement of what this editor can do beside standard LSP. */
const powers = {
  fillClientCapabilities(capabilities) {
    capabilities.experimental = { ...capabilities.experimental, claw: { save: true, input: true } };
  },
  initialize() {},
  getState() {
    return { kind: 'static' };
  },
  clear() {},
};

async function activate(context) {
  for (const name of Object.keys(COMMANDS)) {
    context.subscriptions.push(vscode.commands.registerCommand(`clawEditor.${name}`, () => send(name)));
  }
  context.subscriptions.push(vscode.workspace.onDidChangeConfiguration(async (changed) => {
    if (changed.affectsConfiguration('claw.path')) {
      await deactivate();
      await start();
    }
  }));
  await start();
}

/** Start the server; where its program is not found, say what to do. */
async function start() {
  const command = vscode.workspace.getConfiguration('claw').get('path') || 'claw-lsp';
  if (!found(command)) {
    // Not awaited: the commands of an extension wait until it is started.
    lacking(`Claw could not start: there is no program "${command}".`);
    return;
  }
  const run = { command, args: ['serve'], transport: TransportKind.stdio };
  client = new LanguageClient('claw', 'Claw', { run, debug: run }, {
    documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
    middleware: { executeCommand: execute },
  });
  client.registerFeature(powers);
  client.onRequest('window/showMessageRequest', ask);
  client.onRequest('claw/save', save);
  client.onRequest('claw/input', ({ title, value }) => vscode.window.showInputBox({ title, value, ignoreFocusOut: true }));
  try {
    await client.start();
  } catch {
    // The client has said what went wrong.
    client = undefined;
  }
}

/** Whether the program is there: as a path, else on PATH. */
function found(command) {
  const folders = path.isAbsolute(command) ? [''] : (process.env.PATH || '').split(path.delimiter);
  const endings = process.platform === 'win32' ? ['', '.exe'] : [''];
  return folders.some((folder) => endings.some((ending) => fs.existsSync(path.join(folder, command + ending))));
}

/** Say what keeps Claw from running, and lead to the setting that mends it. */
async function lacking(text) {
  const open = 'Open settings';
  const said = `${text} Set claw.path to what \`claw-lsp init vscode\` prints.`;
  if ((await vscode.window.showErrorMessage(said, open)) === open) {
    // In a remote window (SSH, WSL, a container) the person's own settings do not say where programs are.
    const settings = vscode.env.remoteName ? 'openRemoteSettings' : 'openSettings2';
    await vscode.commands.executeCommand(`workbench.action.${settings}`, { query: 'claw.path' });
  }
}

/** Put a question in a box beside the text. A box cuts long buttons, so they are made short, or one button opens a list. */
async function ask({ message, actions = [] }) {
  const titles = actions.map((it) => it.title);
  const short = titles.map((it) =>
    it.replace(/^Allow (edits )?for this session$/, 'This session').replace(/^Always allow .*$/, 'Always'));
  const always = titles.find((it) => it.startsWith('Always allow '));
  const text = always ? `${message} (Always: ${always.slice('Always allow '.length)})` : message;
  // What is shown whole, measured in VS Code 1.139: 1000 characters, and buttons of 60 letters, three of them for each frame.
  if (text.length <= 1000 && new Set(short).size === titles.length && short.join('').length + 3 * short.length <= 60) {
    const picked = await vscode.window.showInformationMessage(text, ...short);
    return picked === undefined ? null : actions[short.indexOf(picked)];
  }
  const list = 'Answer…';
  if ((await vscode.window.showInformationMessage(text, list)) !== list) {
    return null;
  }
  const picked = await vscode.window.showQuickPick(titles, { title: message, ignoreFocusOut: true });
  return picked === undefined ? null : actions[titles.indexOf(picked)];
}

/** Save those of the files that are open; answers which were saved. */
async function save({ uris }) {
  const saved = [];
  for (const uri of uris) {
    const document = vscode.workspace.textDocuments.find((it) => it.uri.toString() === vscode.Uri.parse(uri).toString());
    if (document && !document.isUntitled && (await document.save())) {
      saved.push(uri);
    }
  }
  return { saved };
}

/** Send a command with the file and the selection that the person looks at. */
async function send(name) {
  if (!client || !client.isRunning()) {
    return lacking('Claw is not running.');
  }
  const { place, words } = COMMANDS[name];
  const args = {};
  const editor = vscode.window.activeTextEditor;
  if (place && editor) {
    args.uri = client.code2ProtocolConverter.asUri(editor.document.uri);
    args.range = client.code2ProtocolConverter.asRange(editor.selection);
  }
  if (words) {
    args.prompt = await vscode.window.showInputBox({ title: `Claw: ${words}`, ignoreFocusOut: true });
    if (!args.prompt) {
      return;
    }
  }
  const answer = await execute(`claw.${name}`, [args]);
  if (answer && answer.text) {
    vscode.window.showInformationMessage(answer.text);
  }
}

/** Have the server carry out a command; what it says against it is said once, in its own words. */
async function execute(command, args) {
  try {
    return await client.sendRequest('workspace/executeCommand', { command, arguments: args });
  } catch (error) {
    vscode.window.showErrorMessage(error.message);
  }
}

async function deactivate() {
  const stopping = client;
  client = undefined;
  if (stopping && stopping.isRunning()) {
    await stopping.stop();
  }
}

module.exports = { activate, deactivate };
