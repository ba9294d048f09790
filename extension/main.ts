// What VS Code calls when the extension starts and ends. Each part registers itself and is undone with the context's subscriptions.
import type { ExtensionContext } from 'vscode';
import { registerCommands } from './debug/commands.ts';
import { registerConfigurationProvider } from './debug/configuration-provider.ts';
import { StopWatcher } from './debug/stop-watcher.ts';
import { LanguageClientStarter } from './language-client.ts';
import { registerZonesView, type ZonesView } from './views/zones-view.ts';

/** What `vscode.extensions.getExtension('pagewalk.pagewalk').exports` holds: the views as they are, for tests and other extensions to read. */
export interface PagewalkApi {
  zones: ZonesView;
}

export function activate(context: ExtensionContext): PagewalkApi {
  const stops = new StopWatcher();
  context.subscriptions.push(stops, new LanguageClientStarter(context), registerConfigurationProvider(), registerCommands());
  return { zones: registerZonesView(context, stops) };
}
