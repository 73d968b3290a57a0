// Starts claw-lsp for every file, saves for it, asks for words, and hands file and selection to its commands.
'use strict';

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
  const command = vscode.workspace.getConfiguration('claw').get('path') || 'claw-lsp';
  const run = { command, args: ['serve'], transport: TransportKind.stdio };
  client = new LanguageClient('claw', 'Claw', { run, debug: run }, {
    documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
  });
  client.registerFeature(powers);
  client.onRequest('claw/save', save);
  client.onRequest('claw/input', ({ title, value }) => vscode.window.showInputBox({ title, value, ignoreFocusOut: true }));
  for (const name of Object.keys(COMMANDS)) {
    context.subscriptions.push(vscode.commands.registerCommand(`clawEditor.${name}`, () => send(name)));
  }
  try {
    await client.start();
  } catch {
    // The client has said what went wrong; this says what to do.
    vscode.window.showErrorMessage(`Claw could not start "${command}". Set claw.path to what \`claw-lsp init vscode\` prints.`);
  }
}

/** Save those of the files that are open; answers which were saved. */
async function save({ uris }) {
  const saved = [];
  for (const uri of uris) {
    const document = vscode.workspace.textDocuments.find((it) => it.uri.toString() === vscode.Uri.parse(uri).toString());
    if (document && (await document.save())) {
      saved.push(uri);
    }
  }
  return { saved };
}

/** Send a command with the file and the selection that the person looks at. */
async function send(name) {
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
  const answer = await client.sendRequest('workspace/executeCommand', { command: `claw.${name}`, arguments: [args] });
  if (answer && answer.text) {
    vscode.window.showInformationMessage(answer.text);
  }
}

function deactivate() {
  return client && client.stop();
}

module.exports = { activate, deactivate };
