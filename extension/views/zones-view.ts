// The view "Zones" in the debug side bar: node → zone → free lists, watermarks, per-CPU pagesets, and below the nodes slab caches, mempools and
// vmalloc areas, as they stand at this stop.
// While the machine runs the last picture stays, with a line that says so.
import {
  EventEmitter, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState, window, type DebugSession, type Disposable, type ExtensionContext,
  type Memento, type TreeDataProvider, type TreeView,
} from 'vscode';
import type { ZonesResponse } from '../../debug-adapter/protocol.ts';
import type { SessionState, StopWatcher } from '../debug/stop-watcher.ts';
import { ZONES_VIEW } from '../names.ts';
import type { Counts, Row, RowState } from './rows.ts';
import { zonesRows } from './zones-rows.ts';

/** A step is over before this; only a longer run is worth a line. */
const RUNNING_MESSAGE_DELAY_MS = 400;

/** Under this name VS Code remembers that the user has seen the view. */
const INTRODUCED = 'pagewalk.zones.introduced';

/** State says by shape and colour, the row's text says it in words. */
const ICONS: Record<RowState, ThemeIcon | undefined> = {
  'node': new ThemeIcon('server'),
  'group': undefined,
  'value': undefined,
  'above high': new ThemeIcon('pass', new ThemeColor('charts.green')),
  'below high': new ThemeIcon('circle-outline', new ThemeColor('charts.yellow')),
  'below low': new ThemeIcon('warning', new ThemeColor('charts.orange')),
  'below min': new ThemeIcon('error', new ThemeColor('charts.red')),
};

export function registerZonesView(context: ExtensionContext, stops: StopWatcher): ZonesView {
  const zones = new ZonesView(context.globalState);
  const tree = window.createTreeView(ZONES_VIEW, { treeDataProvider: zones, showCollapseAll: true });
  zones.attach(tree);
  context.subscriptions.push(zones, tree, stops.onDidChange((state) => zones.follow(state)));
  zones.follow(stops.state);
  return zones;
}

export class ZonesView implements TreeDataProvider<Row>, Disposable {
  readonly #memory: Memento;
  readonly #changed = new EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  #tree: TreeView<Row> | null = null;
  #rows: Row[] = [];
  #counts: Counts = new Map();
  #sessionId = '';
  #runningTimer: NodeJS.Timeout | undefined;

  constructor(memory: Memento) {
    this.#memory = memory;
  }

  /** The tree view shows this provider's message beside its rows. */
  attach(tree: TreeView<Row>): void {
    this.#tree = tree;
  }

  /** Brings the rows up to date with a stop, a resume or another session. */
  follow(state: SessionState): void {
    clearTimeout(this.#runningTimer);
    if (state.kind === 'none') this.#forget('');
    else if (state.session.id !== this.#sessionId) this.#forget(state.session.id);
    if (state.kind === 'stopped') void this.#read(state.session);
    else if (state.kind === 'running') this.#runningTimer = setTimeout(() => this.#sayRunning(), RUNNING_MESSAGE_DELAY_MS);
  }

  getChildren(row?: Row): Row[] {
    return row ? row.children : this.#rows;
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
    item.accessibilityInformation = { label: `${row.label}: ${row.description}` };
    return item;
  }

  dispose(): void {
    clearTimeout(this.#runningTimer);
    this.#changed.dispose();
  }

  async #read(session: DebugSession): Promise<void> {
    try {
      const response = await session.customRequest('pagewalk/zones') as ZonesResponse;
      if (session.id !== this.#sessionId) return;
      const { rows, counts } = zonesRows(response, this.#counts);
      this.#counts = counts;
      this.#show(rows, undefined);
      await this.#introduce();
    } catch (error) {
      if (session.id === this.#sessionId) this.#refused(error);
    }
  }

  /** VS Code keeps extensions' views in the debug side bar collapsed: the first stop ever opens this one. After that the user decides. */
  async #introduce(): Promise<void> {
    const [first] = this.#rows;
    if (!first || this.#memory.get(INTRODUCED)) return;
    await this.#memory.update(INTRODUCED, 'yes');
    await this.#tree?.reveal(first, { select: false });
  }

  /** A step that was faster than the question is no fault: the next stop asks again. */
  #refused(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message !== 'notStopped') this.#show(this.#rows, `The zones could not be read: ${message}`);
  }

  #forget(nextSessionId: string): void {
    this.#sessionId = nextSessionId;
    this.#counts = new Map();
    this.#show([], undefined);
  }

  #show(rows: Row[], message: string | undefined): void {
    this.#rows = rows;
    if (this.#tree) this.#tree.message = message;
    this.#changed.fire(undefined);
  }

  /** An empty tree shows the welcome text instead, which a message would hide. */
  #sayRunning(): void {
    if (this.#tree && this.#rows.length > 0) this.#tree.message = 'Running. These are the values of the last stop.';
  }
}

function collapsibleState(row: Row): TreeItemCollapsibleState {
  if (row.children.length === 0) return TreeItemCollapsibleState.None;
  return row.isOpen ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed;
}
