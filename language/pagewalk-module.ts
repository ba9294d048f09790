// The composing place of the language's front: which classes Langium uses for this language.
import { EmptyFileSystem, createDefaultCoreModule, createDefaultSharedCoreModule, inject } from 'langium';
import type { DeepPartial, LangiumCoreServices, Module } from 'langium';
import { PagewalkGeneratedModule, PagewalkGeneratedSharedModule } from './generated/module.ts';
import { PagewalkLexer } from './pagewalk-lexer.ts';
import { PagewalkMessages } from './pagewalk-messages.ts';
import { createPagewalkParser } from './pagewalk-parser.ts';
import { PagewalkTokenBuilder } from './pagewalk-token-builder.ts';
import { PagewalkValueConverter } from './pagewalk-value-converter.ts';

/** What the command line and the language server have in common. */
export const PagewalkModule: Module<LangiumCoreServices, DeepPartial<LangiumCoreServices>> = {
  parser: {
    LangiumParser: createPagewalkParser,
    TokenBuilder: () => new PagewalkTokenBuilder(),
    Lexer: (services) => new PagewalkLexer(services),
    ParserErrorMessageProvider: () => new PagewalkMessages(),
    ValueConverter: () => new PagewalkValueConverter(),
  },
};

/** Services for a parser alone: no workspace, no connection. */
export function createPagewalkServices(): LangiumCoreServices {
  const shared = inject(createDefaultSharedCoreModule(EmptyFileSystem), PagewalkGeneratedSharedModule);
  const services = inject(createDefaultCoreModule({ shared }), PagewalkGeneratedModule, PagewalkModule);
  shared.ServiceRegistry.register(services);
  return services;
}
