/**
 * Markdown cut into top-level blocks. While a text streams, all blocks but the last stay as they are, so that only the
 * last is rendered again; the stable part of the text is not even read again.
 */
import { Marked, type Token, type Tokens } from 'marked';

import { renderer } from './renderer';
import { sanitise } from './sanitise';

export type MarkdownBlock =
  | { kind: 'code'; key: number; text: string; language: string; closed: boolean }
  /** `html` is sanitised. */
  | { kind: 'html'; key: number; html: string };

// `setOptions`, not the constructor: that looks at own properties and would pass over a class's methods.
const marked = new Marked().setOptions({ gfm: true, breaks: true, renderer });

/** Characters of one block beyond which it is shown as plain text: no renderer is quick on a megabyte. */
const LONGEST_BLOCK = 100_000;

function isCode(token: Token): token is Tokens.Code {
  return token.type === 'code';
}

function blockOf(token: Token, key: number): MarkdownBlock {
  if (isCode(token)) {
    const fenced = /^ {0,3}(`{3,}|~{3,})/.exec(token.raw);
    const closed = fenced === null || new RegExp(`\\n {0,3}${fenced[1] ?? ''}[\`~]*\\s*$`).test(token.raw);
    return { kind: 'code', key, text: token.text, language: (token.lang ?? '').split(/\s/)[0] ?? '', closed };
  }
  if (token.raw.length > LONGEST_BLOCK) return { kind: 'code', key, text: token.raw, language: 'text', closed: true };
  return { kind: 'html', key, html: sanitise(marked.parser([token])) };
}

/** All blocks of a finished text. */
export function blocksOf(text: string): MarkdownBlock[] {
  return new BlockStream().update(text, true);
}

/**
 * Closes what a half-written line has opened, so that the stars of a bold word are not seen before its end, and holds
 * a link back until it is whole.
 */
export function closeOpenMarks(text: string): string {
  const lineStart = text.lastIndexOf('\n\n') + 1;
  const line = text.slice(lineStart);
  const outside = line.replace(/`[^`\n]*`/g, '');
  if ((outside.match(/`/g)?.length ?? 0) % 2 === 1) return `${text}\``;
  let closed = text.replace(/!?\[[^\]\n]*\]\([^)\s]*$/, '');
  if ((outside.match(/\*\*/g)?.length ?? 0) % 2 === 1) {
    closed = /\*\*\s*$/.test(closed) ? closed.replace(/\*\*\s*$/, '') : `${closed.replace(/\*$/, '')}**`;
  }
  return closed;
}

/** A text that grows. Feed it the whole text each time. */
export class BlockStream {
  #stable: MarkdownBlock[] = [];
  /** The text that the stable blocks stand for. */
  #read = '';
  #last: { text: string; finished: boolean; blocks: MarkdownBlock[] } | null = null;

  /** The blocks of `text`; those that cannot change any more are the same objects as before. */
  update(text: string, finished: boolean): MarkdownBlock[] {
    if (this.#last?.text !== text || this.#last.finished !== finished) {
      this.#last = { text, finished, blocks: this.#blocks(text, finished) };
    }
    return this.#last.blocks;
  }

  #blocks(text: string, finished: boolean): MarkdownBlock[] {
    if (!text.startsWith(this.#read)) {
      this.#stable = [];
      this.#read = '';
    }
    const tokens = marked.lexer(text.slice(this.#read.length));
    const shown = tokens.filter((token) => token.type !== 'space');
    const last = shown.at(-1);
    const tail: MarkdownBlock[] = [];
    for (const token of tokens) {
      if (token === last) {
        tail.push(this.#tail(token, finished));
        break;
      }
      this.#read += token.raw;
      if (token.type !== 'space') this.#stable.push(blockOf(token, this.#stable.length));
    }
    return [...this.#stable, ...tail];
  }

  #tail(token: Token, finished: boolean): MarkdownBlock {
    const key = this.#stable.length;
    if (finished || isCode(token)) return blockOf(token, key);
    const [patched] = marked.lexer(closeOpenMarks(token.raw));
    return blockOf(patched ?? token, key);
  }
}
