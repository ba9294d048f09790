// The language server's process: it speaks over stdio (`--stdio`) or the channel that the editor names.
import { ProposedFeatures, createConnection } from 'vscode-languageserver/node';
import { serve } from './server.ts';

serve(createConnection(ProposedFeatures.all));
