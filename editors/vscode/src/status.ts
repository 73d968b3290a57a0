// The status bar: model · mode · context · cost, what runs and what waits; a click opens the menu.
import * as vscode from 'vscode';
import type { Connection } from './connection';
import type { Status } from './protocol';

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('claw.status', vscode.StatusBarAlignment.Right, 100);
  private readonly owned: vscode.Disposable[];
  private last?: Status;

  constructor(private readonly connection: Connection) {
    this.item.name = 'Claw';
    this.item.command = 'clawEditor.menu';
    this.owned = [
      this.item,
      connection.onEvent((it) => it.kind === 'status' && this.took(it)),
      connection.onState((running) => {
        delete this.last;
        this.draw(running);
      }),
    ];
    this.draw(false);
    this.item.show();
  }

  /** What there is to set and to see, with what is in force beside it. */
  async menu(): Promise<void> {
    const { last } = this;
    const running = last?.runs.map((it) => it.title).join(', ');
    const rows: (vscode.QuickPickItem & { command?: string })[] = [
      ...(running ? [{ label: '$(debug-stop) Stop', description: running, command: 'clawEditor.stop' }] : []),
      ...(last?.questions ? [{ label: '$(question) Answer a question', description: String(last.questions), command: 'clawEditor.questions' }] : []),
      { label: '$(comment-discussion) Chat', description: last?.title ?? '', command: 'clawEditor.chat' },
      { label: '$(history) Sessions', command: 'clawEditor.sessions' },
      { label: 'Settings of the session', kind: vscode.QuickPickItemKind.Separator },
      { label: '$(hubot) Model', description: last?.model ?? '', command: 'clawEditor.model' },
      { label: '$(shield) Mode', description: last?.mode ?? '', command: 'clawEditor.mode' },
      { label: '$(dashboard) Effort', description: last?.effort ?? '', command: 'clawEditor.effort' },
      { label: 'Claw', kind: vscode.QuickPickItemKind.Separator },
      { label: '$(info) Status', command: 'clawEditor.status' },
      { label: '$(key) Set API key', command: 'clawEditor.setApiKey' },
      { label: '$(output) Show log', command: 'clawEditor.showLog' },
      { label: '$(debug-restart) Restart', command: 'clawEditor.restart' },
    ];
    const idle = rows.filter((it) => !it.command || /restart|showLog|setApiKey/.test(it.command));
    const picked = await vscode.window.showQuickPick(this.connection.running ? rows : idle, { title: 'Claw', matchOnDescription: true });
    if (picked?.command) {
      await vscode.commands.executeCommand(picked.command);
    }
  }

  dispose(): void {
    this.owned.forEach((it) => it.dispose());
  }

  private took(status: Status): void {
    this.last = status;
    void vscode.commands.executeCommand('setContext', 'clawEditor.running', status.runs.length > 0);
    this.draw(true);
  }

  private draw(running: boolean): void {
    const { last } = this;
    this.item.text = !running ? '$(circle-slash) Claw' : last ? line(last) : '$(sparkle) Claw';
    this.item.tooltip = running ? told(last) : 'Claw is not running.';
    this.item.backgroundColor = last?.questions ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
  }
}

function line(it: Status): string {
  const icon = it.questions ? '$(question)' : it.runs.length ? '$(loading~spin)' : '$(sparkle)';
  const waiting = it.hunks + it.proposals;
  const parts = [
    it.model?.replace(/^claude-/, ''),
    it.mode,
    percent(it),
    it.cost === null ? null : dollars(it.cost),
    it.questions ? `${it.questions} to answer` : null,
    waiting ? `${waiting} to review` : null,
  ];
  return `${icon} ${parts.filter(Boolean).join(' · ') || 'Claw'}`;
}

function told(it: Status | undefined): string {
  if (!it) {
    return 'Claw';
  }
  const { used, window } = it.context ?? {};
  const lines = [
    it.title && `Claw: ${it.title}`,
    used != null && window ? `Context: ${used.toLocaleString('en')} of ${window.toLocaleString('en')} tokens` : null,
    ...it.runs.map((run) => `${run.title}: ${run.activity}`),
  ];
  return lines.filter(Boolean).join('\n') || 'Claw';
}

function percent({ context }: Status): string | null {
  return context?.used != null && context.window ? `${Math.round((100 * context.used) / context.window)} %` : null;
}

function dollars(cost: number): string {
  return cost > 0 && cost < 0.01 ? '<$0.01' : `$${cost.toFixed(2)}`;
}
