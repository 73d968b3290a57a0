// The server's life: started, started anew, stopped; and what it is told and asked while it runs.
import * as vscode from 'vscode';
import { LanguageClient, State, TransportKind } from 'vscode-languageclient/node';
import type { Middleware, StaticFeature } from 'vscode-languageclient/node';
import type { ClawEvent, CommandAnswer } from './protocol';
import type { Missing, Program } from './server';
import { section } from './settings';

/** What is there only while a server runs: `attach` is called for each new one, before it starts. */
export interface Part {
  attach?(client: LanguageClient): void;
  middleware?: Middleware;
}

export interface Surroundings {
  extension: vscode.Extension<unknown>;
  find(): Promise<Program | Missing>;
  environment(): Promise<Record<string, string>>;
  /** Told when there is no program to start. */
  missing(why: Missing): void;
}

export class Connection implements vscode.Disposable {
  private client?: LanguageClient;
  /** What the server was started as. */
  private started = '';
  /** Starts and stops, one after the other. */
  private turn: Promise<unknown> = Promise.resolve();
  private readonly events = new vscode.EventEmitter<ClawEvent>();
  private readonly states = new vscode.EventEmitter<boolean>();
  readonly output = vscode.window.createOutputChannel('Claw', { log: true });
  readonly onEvent = this.events.event;
  /** Told whether it runs, whenever that changes. */
  readonly onState = this.states.event;

  constructor(
    private readonly around: Surroundings,
    private readonly parts: Part[],
  ) {}

  /** The client of the running server. */
  get running(): LanguageClient | undefined {
    return this.client?.isRunning() ? this.client : undefined;
  }

  /** Start the server anew, or for the first time. */
  restart(): Promise<void> {
    return this.inTurn(() => this.anew());
  }

  /** Start it anew unless it runs and would be started as before: trust and settings that come together start it once. */
  refresh(): Promise<void> {
    return this.inTurn(async () => {
      const program = await this.around.find();
      if (!this.running || told(program) !== this.started) {
        await this.anew();
      }
    });
  }

  stop(): Promise<void> {
    return this.inTurn(() => this.end());
  }

  /** The client of the running server, once what starts or ends one is over. */
  async ready(): Promise<LanguageClient | undefined> {
    if (!this.running) {
      vscode.window.setStatusBarMessage('Claw is starting…', this.turn);
    }
    await this.turn;
    if (this.client?.state === State.Starting) {
      // It ended by itself, and the client starts it again.
      await this.client.start().catch(() => undefined);
    }
    return this.running;
  }

  /**
   * Have the server carry out a command; one that is about to start, or to start anew, is waited for. What it says against
   * it is shown once, in its own words.
   */
  async execute(command: string, args: object = {}): Promise<CommandAnswer | undefined> {
    const client = await this.ready();
    if (!client) {
      void this.notRunning();
      return undefined;
    }
    try {
      const answer = await client.sendRequest<CommandAnswer | null>('workspace/executeCommand', { command, arguments: [args] });
      return answer ?? {};
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      void vscode.window.showErrorMessage(client === this.running ? why : 'Claw was started anew before it had answered. Ask for it again.');
      return undefined;
    }
  }

  /** Push what is written in the settings now. */
  tellSettings(): void {
    const settings = { claw: section(this.around.extension) };
    void this.running?.sendNotification('workspace/didChangeConfiguration', { settings });
  }

  dispose(): void {
    this.events.dispose();
    this.states.dispose();
    this.output.dispose();
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async anew(): Promise<void> {
    await this.end();
    await this.begin();
  }

  private async begin(): Promise<void> {
    const program = await this.around.find();
    if ('why' in program) {
      this.around.missing(program);
      return;
    }
    const run = { ...program, transport: TransportKind.stdio, options: { env: { ...process.env, ...(await this.around.environment()) } } };
    this.output.info(`Starting ${[program.command, ...program.args].join(' ')}`);
    const client = new LanguageClient('claw', 'Claw', { run, debug: run }, {
      documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
      outputChannel: this.output,
      middleware: Object.assign({}, this.middleware(), ...this.parts.map((it) => it.middleware)),
    });
    client.registerFeature(powers);
    client.onNotification('claw/event', (event: ClawEvent) => this.events.fire(event));
    client.onDidChangeState((it) => this.states.fire(it.newState === State.Running));
    this.parts.forEach((it) => it.attach?.(client));
    this.client = client;
    this.started = told(program);
    try {
      await client.start();
    } catch {
      // The client has said what went wrong.
      this.client = undefined;
    }
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client?.needsStop()) {
      try {
        await client.stop();
      } catch (error) {
        this.output.warn(`The server did not stop in order: ${String(error)}`);
      }
    }
  }

  private middleware(): Middleware {
    const { extension } = this.around;
    return {
      executeCommand: (command, args) => this.execute(command, args[0] ?? {}),
      workspace: {
        configuration: (params) =>
          params.items.map((it) => (it.section === 'claw' ? section(extension, it.scopeUri ? vscode.Uri.parse(it.scopeUri) : undefined) : null)),
        // The client's own way would push defaults, too: `tellSettings` has taken its place.
        didChangeConfiguration: async () => undefined,
      },
    };
  }

  private async notRunning(): Promise<void> {
    const [restart, log] = ['Start it', 'Show log'];
    const picked = await vscode.window.showWarningMessage('Claw is not running.', restart, log);
    if (picked === restart) {
      await this.restart();
    } else if (picked === log) {
      this.output.show();
    }
  }
}

/** A program and what it is told when it starts, to be held against another. */
function told(program: Program | Missing): string {
  return JSON.stringify([program, vscode.workspace.isTrusted]);
}

/** What this editor can do beside standard LSP. */
const powers: StaticFeature = {
  fillClientCapabilities(capabilities) {
    const claw = { events: true, save: true, input: true, pick: true, diff: true, languageFeatures: true };
    capabilities.experimental = { ...capabilities.experimental, claw };
  },
  initialize() {},
  getState: () => ({ kind: 'static' }),
  clear() {},
};
