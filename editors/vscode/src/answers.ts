// What a command answers in words: a line as a message, more than a line as a page that can be read and closed.
import * as vscode from 'vscode';
import type { CommandAnswer } from './protocol';

const SCHEME = 'claw-answer';
const LINE = 200;

export class Answers implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changes = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  readonly onDidChange = this.changes.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? '';
  }

  async show(title: string, answer: CommandAnswer | undefined): Promise<void> {
    const text = answer?.text?.trim();
    // What the server has opened by itself is not said twice.
    if (!text || answer?.shown) {
      return;
    }
    if (text.length <= LINE && !text.includes('\n')) {
      void vscode.window.showInformationMessage(text);
      return;
    }
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `Claw ${title}.md` });
    this.texts.set(uri.path, `# Claw: ${title}\n\n${text}\n`);
    this.changes.fire(uri);
    await vscode.window.showTextDocument(uri, { preview: true });
  }

  dispose(): void {
    this.registration.dispose();
    this.changes.dispose();
  }
}
