// Claw for VS Code: everything is put together here, and nowhere else.
import * as vscode from 'vscode';
import { Answers } from './answers';
import { Chats } from './chat';
import { Commands, OFFERS } from './commands';
import { Connection } from './connection';
import { Diffs } from './diffs';
import { tellWhere } from './editorState';
import { Hunks } from './hunks';
import * as key from './key';
import { LanguageFeature } from './languageFeature';
import { tell } from './missing';
import { Questions } from './questions';
import { requests } from './requests';
import { find } from './server';
import { StatusBar } from './status';

const UVX = 'uvx';
let connection: Connection | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const questions = new Questions();
  const diffs = new Diffs();
  const chats = new Chats(() => claw);
  const claw: Connection = new Connection(
    {
      extension: context.extension,
      find: () => find(context.globalState.get(UVX, false)),
      environment: () => key.environment(context.secrets),
      missing: (why) => void tell(why, () => allowUvx(context, claw)),
    },
    [questions, requests, diffs, new LanguageFeature(), chats],
  );
  connection = claw;
  const answers = new Answers();
  const hunks = new Hunks(context, claw);
  const status = new StatusBar(claw);
  hunks.onProposals((waiting) => void diffs.forget(waiting));
  context.subscriptions.push(claw, diffs, chats, answers, hunks, status, questions.follow(claw), tellWhere(claw));

  const commands = new Commands(claw, answers);
  register(context, {
    ...Object.fromEntries(Object.keys(OFFERS).map((name) => [name, () => commands.send(name)])),
    send: () => chats.send(),
    stop: () => commands.stop(),
    questions: () => commands.questions(),
    commitMessage: (from?: Partial<vscode.SourceControl>) => commands.commitMessage(from?.rootUri),
    nextHunk: () => hunks.go(1),
    previousHunk: () => hunks.go(-1),
    keepHunk: () => hunks.decide('keep'),
    revertHunk: () => hunks.decide('revert'),
    showHunk: () => hunks.decide('show'),
    keepFile: () => hunks.decideAll('keep', false),
    revertFile: () => hunks.decideAll('revert', false),
    keepAll: () => hunks.decideAll('keep', true),
    revertAll: () => hunks.decideAll('revert', true),
    accept: () => diffs.answer(claw, 'claw.apply'),
    reject: () => diffs.answer(claw, 'claw.dismiss'),
    menu: () => status.menu(),
    restart: () => claw.restart(),
    showLog: () => claw.output.show(),
    setApiKey: async () => {
      if (await key.set(context.secrets)) {
        await claw.restart();
      }
    },
  });
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((it) => {
      if (it.affectsConfiguration('claw.server')) {
        void claw.refresh();
      } else if (it.affectsConfiguration('claw')) {
        claw.tellSettings();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void claw.refresh()),
  );
  await claw.restart();
}

export async function deactivate(): Promise<void> {
  await connection?.stop();
}

function register(context: vscode.ExtensionContext, commands: Record<string, (...given: never[]) => unknown>): void {
  for (const [name, does] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(`clawEditor.${name}`, does));
  }
}

async function allowUvx(context: vscode.ExtensionContext, claw: Connection): Promise<void> {
  await context.globalState.update(UVX, true);
  await claw.restart();
}
