// Questions of the server's as boxes beside the text. Closing a box answers nothing: the question stays where it is.
import * as vscode from 'vscode';
import type { LanguageClient, MessageActionItem, ShowMessageRequestParams } from 'vscode-languageclient/node';
import type { Connection, Part } from './connection';

/** What is shown whole, measured in VS Code 1.139: 1000 characters, and buttons of 60 letters, three of them for each frame. */
const LONGEST_TEXT = 1000;
const WIDEST_BUTTONS = 60;
const FRAME = 3;

export class Questions implements Part {
  private n_open = 0;

  attach(client: LanguageClient): void {
    this.n_open = 0;
    client.onRequest('window/showMessageRequest', (params: ShowMessageRequestParams) => this.ask(params));
  }

  /** Boxes of questions that were answered another way are put out of the way; VS Code cannot close them. */
  follow(connection: Connection): vscode.Disposable {
    let n_waiting = 0;
    return connection.onEvent((event) => {
      if (event.kind === 'status') {
        if (event.questions === 0 && n_waiting > 0 && this.n_open > 0) {
          void vscode.commands.executeCommand('notifications.hideToasts');
        }
        n_waiting = event.questions;
      }
    });
  }

  private async ask(params: ShowMessageRequestParams): Promise<MessageActionItem | null> {
    this.n_open += 1;
    try {
      return await answered(params);
    } finally {
      this.n_open -= 1;
    }
  }
}

/** The action that was picked. A box cuts long buttons, so they are made short, or one button opens a list. */
async function answered({ message, actions = [] }: ShowMessageRequestParams): Promise<MessageActionItem | null> {
  const titles = actions.map((it) => it.title);
  const short = titles.map(shortened);
  const always = titles.find((it) => it.startsWith('Always allow '));
  const text = always ? `${message} (Always: ${always.slice('Always allow '.length)})` : message;
  const width = short.join('').length + FRAME * short.length;
  if (text.length <= LONGEST_TEXT && new Set(short).size === titles.length && width <= WIDEST_BUTTONS) {
    const picked = await vscode.window.showInformationMessage(text, ...short);
    return actions[short.indexOf(picked ?? '')] ?? null;
  }
  const list = 'Answer…';
  if ((await vscode.window.showInformationMessage(text, list)) !== list) {
    return null;
  }
  const picked = await vscode.window.showQuickPick(titles, { title: message, ignoreFocusOut: true });
  return actions[titles.indexOf(picked ?? '')] ?? null;
}

function shortened(title: string): string {
  return title.replace(/^Allow (edits )?for this session$/, 'This session').replace(/^Always allow .*$/, 'Always');
}
