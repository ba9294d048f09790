// The open documents, and what is known about each: checked once for each version of it and of the open files that it imports.
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { TextDocuments } from 'vscode-languageserver/node';
import type { TextDocument } from 'langium';
import { checkScenario, compileChecked } from '../index.ts';
import type { CheckedScenario, Problem } from '../index.ts';

interface Known {
  checked: CheckedScenario;
  /** The texts that went into it: the document's own and those of its imports, by path. */
  texts: ReadonlyMap<string, string | undefined>;
}

export class CheckedDocuments {
  private readonly documents: TextDocuments<TextDocument>;
  private readonly known = new Map<string, Known>();

  constructor(documents: TextDocuments<TextDocument>) {
    this.documents = documents;
  }

  /** The document of a URI, checked; undefined when it is not open. */
  checked(uri: string): CheckedScenario | undefined {
    const document = this.documents.get(uri);
    if (document === undefined) return undefined;
    const path = toPath(uri);
    const known = this.known.get(uri);
    if (known !== undefined && known.texts.get(path) === document.getText() && this.isCurrent(known)) return known.checked;
    const texts = new Map<string, string | undefined>([[path, document.getText()]]);
    const checked = checkScenario(document.getText(), path, { read: (file) => remember(texts, file, this.read(file)), role: 'library' });
    this.known.set(uri, { checked, texts });
    return checked;
  }

  /** What is wrong with a document, and what the machine cannot do yet. */
  problems(uri: string): Problem[] {
    const checked = this.checked(uri);
    if (checked === undefined) return [];
    return compileChecked(checked).problems.filter((problem) => problem.file === toPath(uri));
  }

  forget(uri: string): void {
    this.known.delete(uri);
  }

  /** The open documents that import a file, directly or not. */
  importersOf(uri: string): string[] {
    const path = toPath(uri);
    return [...this.known].filter(([other, { texts }]) => other !== uri && texts.has(path)).map(([other]) => other);
  }

  private isCurrent({ texts }: Known): boolean {
    return [...texts].every(([file, text]) => this.read(file) === text);
  }

  /** An open document as it stands in the editor, else the file. */
  private read(file: string): string | undefined {
    const open = this.documents.all().find((document) => toPath(document.uri) === file);
    if (open !== undefined) return open.getText();
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return undefined;
    }
  }
}

/** The path of a file's URI; another URI (an unsaved document) is its own path. */
export function toPath(uri: string): string {
  return uri.startsWith('file:') ? fileURLToPath(uri) : uri;
}

/** The URI of a path that {@link toPath} gave, or that an import made of one. */
export function toUri(path: string): string {
  return /^[a-z][a-z+.-]+:/i.test(path) && !/^[a-z]:[\\/]/i.test(path) ? path : pathToFileURL(path).href;
}

function remember(texts: Map<string, string | undefined>, file: string, text: string | undefined): string | undefined {
  texts.set(file, text);
  return text;
}
