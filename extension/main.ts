// What VS Code calls when the extension starts and ends. Each part registers itself and is undone with the context's subscriptions.
import type { ExtensionContext } from 'vscode';
import { registerCommands } from './debug/commands.ts';
import { registerConfigurationProvider } from './debug/configuration-provider.ts';
import { StopWatcher } from './debug/stop-watcher.ts';
import { LanguageClientStarter } from './language-client.ts';
import type { FilesResponse, LruResponse, ProcessesResponse, ZonesResponse } from '../debug-adapter/protocol.ts';
import { LRU } from './views/lru-view.ts';
import { PAGE_CACHE } from './views/page-cache-view.ts';
import { PROCESSES } from './views/processes-view.ts';
import { registerStopTree, type StopTree } from './views/stop-tree.ts';
import { ZONES } from './views/zones-view.ts';

/** What `vscode.extensions.getExtension('pagewalk.pagewalk').exports` holds: the views as they are, for tests and other extensions to read. */
export interface PagewalkApi {
  zones: StopTree<ZonesResponse>;
  processes: StopTree<ProcessesResponse>;
  pageCache: StopTree<FilesResponse>;
  lru: StopTree<LruResponse>;
}

export function activate(context: ExtensionContext): PagewalkApi {
  const stops = new StopWatcher();
  context.subscriptions.push(stops, new LanguageClientStarter(context), registerConfigurationProvider(), registerCommands());
  return {
    zones: registerStopTree(context, stops, ZONES), processes: registerStopTree(context, stops, PROCESSES),
    pageCache: registerStopTree(context, stops, PAGE_CACHE), lru: registerStopTree(context, stops, LRU),
  };
}
