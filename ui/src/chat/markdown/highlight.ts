/**
 * Colours for code, in the languages that people ask an assistant about most. Others are shown plain.
 */
import core from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import markdown from 'highlight.js/lib/languages/markdown';
import python from 'highlight.js/lib/languages/python';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

import { sanitise } from './sanitise';

const LANGUAGES = {
  bash, c, cpp, css, diff, go, ini, java, javascript, json, markdown, python, rust, sql, typescript, xml, yaml,
};

for (const [name, language] of Object.entries(LANGUAGES)) core.registerLanguage(name, language);

/** Beyond this a block is shown plain, so that a frame stays a frame. */
const LONGEST = 40_000;

/** The code as sanitised HTML with `hljs-` classes, or `null` where it is to be shown plain. */
export function highlight(code: string, language: string): string | null {
  if (code.length > LONGEST || !core.getLanguage(language)) return null;
  return sanitise(core.highlight(code, { language, ignoreIllegals: true }).value);
}
