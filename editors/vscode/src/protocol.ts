// What goes over the wire beside standard LSP (docs/shims.md).
import type { Range } from 'vscode-languageclient/node';

/** One change of Claw's that waits for review. */
export interface Hunk {
  hunk: string;
  uri: string;
  range: Range;
  before: string;
  after: string;
  prompt_id: string;
  session: string;
  state: 'open' | 'conflict' | 'proposed';
}

/** What a status line shows; null for what is not known yet. */
export interface Status {
  kind: 'status';
  session: string | null;
  title: string | null;
  model: string | null;
  mode: string | null;
  effort: string | null;
  context: { used: number | null; window: number | null } | null;
  cost: number | null;
  runs: { run: string; session: string; title: string; activity: string }[];
  questions: number;
  hunks: number;
  proposals: number;
}

export interface HunksEvent {
  kind: 'hunks';
  uri: string;
  hunks: Hunk[];
}

/** An event of the server's; facts of a session have no `kind` at the top. */
export type ClawEvent = Status | HunksEvent | { kind?: undefined };

export interface DiffParams {
  title: string;
  proposal: boolean;
  prompt_id?: string;
  files: { uri: string; before: string; after: string }[];
}

export interface PickParams {
  title: string;
  many: boolean;
  items: { id: string; label: string; description?: string; detail?: string; picked?: boolean }[];
}

export interface InputParams {
  title: string;
  value?: string;
  placeholder?: string;
}

/** What a command answers: most say a text, those that start a turn name it. */
export interface CommandAnswer {
  text?: string;
  run?: string;
  session?: string;
  shown?: boolean;
  [more: string]: unknown;
}
