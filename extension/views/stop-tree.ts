// A tree in the debug side bar that shows one answer of the adapter as it stands at this stop. While the machine runs the last picture stays, with a
// line that says so.
import {
  EventEmitter, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState, window, type DebugSession, type Disposable, type ExtensionContext,
  type Memento, type ProviderResult, type TreeDataProvider, type TreeView,
} from 'vscode';
import type { SessionState, StopWatcher } from '../debug/stop-watcher.ts';
import type { Counts, Row, RowState } from './rows.ts';

/** A step is over before this; only a longer run is worth a line. */
const RUNNING_MESSAGE_DELAY_MS = 400;

/** State says by shape and colour, the row's text says it in words. */
const ICONS: Record<RowState, ThemeIcon | undefined> = {
  'node': new ThemeIcon('server'),
  'group': undefined,
  'value': undefined,
  'above high': new ThemeIcon('pass', new ThemeColor('charts.green')),
  'below high': new ThemeIcon('circle-outline', new ThemeColor('charts.yellow')),
  'below low': new ThemeIcon('warning', new ThemeColor('charts.orange')),
  'below min': new ThemeIcon('error', new ThemeColor('charts.red')),
  'running': new ThemeIcon('play-circle', new ThemeColor('charts.green')),
  'ready': new ThemeIcon('circle-outline'),
  'sleeping': new ThemeIcon('clock'),
  'ended': new ThemeIcon('circle-slash'),
  'killed': new ThemeIcon('error', new ThemeColor('charts.red')),
  'vma': new ThemeIcon('symbol-array'),
  'table': new ThemeIcon('table'),
  'pte': new ThemeIcon('arrow-right'),
  'swapped': new ThemeIcon('archive'),
  'page': new ThemeIcon('symbol-field'),
  'file': new ThemeIcon('file'),
  'range': new ThemeIcon('ellipsis'),
  'list': new ThemeIcon('list-ordered'),
  'anonymous': new ThemeIcon('circle-outline', new ThemeColor('charts.orange')),
  'absent': undefined,
  'partial': undefined,
  'clean': new ThemeIcon('circle-outline', new ThemeColor('charts.blue')),
  'mapped': new ThemeIcon('link', new ThemeColor('charts.blue')),
  'reading': new ThemeIcon('arrow-circle-down', new ThemeColor('charts.blue')),
  'dirty': new ThemeIcon('circle-filled', new ThemeColor('charts.blue')),
  'writeback': new ThemeIcon('arrow-circle-up', new ThemeColor('charts.blue')),
  'error': new ThemeIcon('error', new ThemeColor('charts.red')),
};

/** What a tree is: its view, what it asks the adapter, and what its rows are made of. */
export interface StopTreeKind<Response> {
  view: string;
  /** The custom request whose answer is shown. */
  request: string;
  args?: object;
  /** What it shows, in the middle of a sentence: `zones`. */
  noun: string;
  /** Whether the first stop ever opens it: the side bar has room for two or three. */
  opensItself?: boolean;
  rows(response: Response, before: Counts): { rows: Row[]; counts: Counts };
  /** Rows below one that says it has more than it holds (`isLazy`); asked for once a stop, when it is opened. */
  load?(session: DebugSession, row: Row): Promise<Row[]>;
}

/** Creates the view and keeps it up to date until the extension ends. */
export function registerStopTree<Response>(context: ExtensionContext, stops: StopWatcher, kind: StopTreeKind<Response>): StopTree<Response> {
  const provider = new StopTree(kind, context.globalState);
  const tree = window.createTreeView(kind.view, { treeDataProvider: provider, showCollapseAll: true });
  provider.attach(tree);
  context.subscriptions.push(provider, tree, stops.onDidChange((state) => provider.follow(state)));
  provider.follow(stops.state);
  return provider;
}

export class StopTree<Response> implements TreeDataProvider<Row>, Disposable {
  readonly #kind: StopTreeKind<Response>;
  readonly #memory: Memento;
  readonly #changed = new EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  #tree: TreeView<Row> | null = null;
  #rows: Row[] = [];
  #counts: Counts = new Map();
  #session: DebugSession | null = null;
  /** What was asked for below rows of this stop. */
  #loaded = new Map<string, Promise<Row[]>>();
  #runningTimer: NodeJS.Timeout | undefined;

  constructor(kind: StopTreeKind<Response>, memory: Memento) {
    this.#kind = kind;
    this.#memory = memory;
  }

  /** The tree view shows this provider's message beside its rows. */
  attach(tree: TreeView<Row>): void {
    this.#tree = tree;
  }

  /** Brings the rows up to date with a stop, a resume or another session. */
  follow(state: SessionState): void {
    clearTimeout(this.#runningTimer);
    if (state.kind === 'none') this.#forget(null);
    else if (state.session.id !== this.#session?.id) this.#forget(state.session);
    if (state.kind === 'stopped') void this.#read(state.session);
    else if (state.kind === 'running') this.#runningTimer = setTimeout(() => this.#sayRunning(), RUNNING_MESSAGE_DELAY_MS);
  }

  /** The rows of the top level, as they are shown. */
  get rows(): Row[] {
    return this.#rows;
  }

  getChildren(row?: Row): ProviderResult<Row[]> {
    if (!row) return this.#rows;
    return row.isLazy ? this.#childrenOf(row) : row.children;
  }

  /** VS Code wants it before it reveals a row; only rows that have no parent are ever revealed. */
  getParent(): undefined {
    return undefined;
  }

  getTreeItem(row: Row): TreeItem {
    const item = new TreeItem(row.label, collapsibleState(row));
    item.id = row.id;
    item.description = row.description;
    item.tooltip = row.tooltip;
    item.iconPath = ICONS[row.state];
    item.accessibilityInformation = { label: row.spoken ?? `${row.label}: ${row.description}` };
    return item;
  }

  dispose(): void {
    clearTimeout(this.#runningTimer);
    this.#changed.dispose();
  }

  /** Of a machine that has gone on meanwhile nothing more can be read: the next stop asks again. */
  #childrenOf(row: Row): Promise<Row[]> {
    const session = this.#session;
    const known = this.#loaded.get(row.id);
    if (known) return known;
    if (!session || !this.#kind.load) return Promise.resolve([]);
    const rows = this.#kind.load(session, row).catch(() => []);
    this.#loaded.set(row.id, rows);
    return rows;
  }

  async #read(session: DebugSession): Promise<void> {
    try {
      const response = await session.customRequest(this.#kind.request, this.#kind.args) as Response;
      if (session.id !== this.#session?.id) return;
      const { rows, counts } = this.#kind.rows(response, this.#counts);
      this.#counts = counts;
      this.#show(rows, undefined);
      await this.#introduce();
    } catch (error) {
      if (session.id === this.#session?.id) this.#refused(error);
    }
  }

  /** VS Code keeps extensions' views in the debug side bar collapsed: the first stop ever opens those that say so. After that the user decides. */
  async #introduce(): Promise<void> {
    const [first] = this.#rows;
    const introduced = `${this.#kind.view}.introduced`;
    if (this.#kind.opensItself !== true || !first || this.#memory.get(introduced)) return;
    await this.#memory.update(introduced, 'yes');
    await this.#tree?.reveal(first, { select: false });
  }

  /** A step that was faster than the question is no fault: the next stop asks again. */
  #refused(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message !== 'notStopped') this.#show(this.#rows, `The ${this.#kind.noun} could not be read: ${message}`);
  }

  #forget(next: DebugSession | null): void {
    this.#session = next;
    this.#counts = new Map();
    this.#show([], undefined);
  }

  #show(rows: Row[], message: string | undefined): void {
    this.#rows = rows;
    this.#loaded = new Map();
    if (this.#tree) this.#tree.message = message;
    this.#changed.fire(undefined);
  }

  /** An empty tree shows the welcome text instead, which a message would hide. */
  #sayRunning(): void {
    if (this.#tree && this.#rows.length > 0) this.#tree.message = 'Running. These are the values of the last stop.';
  }
}

function collapsibleState(row: Row): TreeItemCollapsibleState {
  if (row.children.length === 0 && !row.isLazy) return TreeItemCollapsibleState.None;
  return row.isOpen ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed;
}
