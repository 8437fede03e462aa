import { describe, expect, it } from 'vitest';

import { blocksOf, BlockStream, closeOpenMarks, type MarkdownBlock } from './blocks';
import { highlight } from './highlight';
import { sanitise } from './sanitise';

const html = (blocks: readonly MarkdownBlock[]): string =>
  blocks.map((block) => (block.kind === 'html' ? block.html : `<pre>${block.text}</pre>`)).join('');

/** The page that a text makes, as elements. */
function page(text: string): HTMLElement {
  const element = document.createElement('div');
  for (const block of blocksOf(text)) {
    if (block.kind === 'html') element.insertAdjacentHTML('beforeend', block.html);
  }
  return element;
}

const HOSTILE = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '![x](javascript:alert(1))',
  '![x](https://evil.example/pixel.png "t")',
  '![x](data:image/svg+xml;base64,PHN2Zz4=)',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](data:text/html,<script>alert(1)</script>)',
  '[x](vbscript:msgbox)',
  '[x](file:///etc/passwd)',
  '[x](\u0001javascript:alert(1))',
  '<a href="javascript:alert(1)">x</a>',
  '<svg><style><img src=x onerror=alert(1)></style></svg>',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
  '<iframe src="https://evil.example"></iframe>',
  '<form action="https://evil.example"><button>Send</button></form>',
  '<style>@import url(https://evil.example/x.css)</style>',
  '<link rel=stylesheet href=https://evil.example/x.css>',
  '<video src=https://evil.example/v.mp4 autoplay></video>',
  '<div style="background:url(https://evil.example/x.png)">x</div>',
  '`<img src=x onerror=alert(1)>`',
  '| a | <img src=x onerror=alert(1)> |\n|---|---|\n| <script>1</script> | b |',
  '- <details open ontoggle=alert(1)>x',
  '[a]: javascript:alert(1)\n\n[click][a]',
  '<https://evil.example/"onmouseover=alert(1)>',
  '**<img src=x onerror=alert(1)**>',
];

const FORBIDDEN = 'script, img, iframe, form, button, style, link, video, audio, svg, math, object, embed, input, base, meta';

function expectHarmless(element: HTMLElement, origin: string): void {
  expect(element.querySelector(FORBIDDEN), origin).toBeNull();
  for (const node of element.querySelectorAll('*')) {
    for (const attribute of node.attributes) {
      expect(attribute.name.startsWith('on'), `${origin}: ${attribute.name}`).toBe(false);
      expect(['align', 'class', 'draggable', 'href', 'rel', 'start', 'title']).toContain(attribute.name);
      if (attribute.name === 'href') expect(attribute.value, origin).toMatch(/^https?:\/\//);
    }
  }
}

describe('markdown of a model', () => {
  it.each(HOSTILE)('is harmless when whole: %s', (text) => expectHarmless(page(text), text));

  it.each(HOSTILE)('is harmless at every step of its stream: %s', (text) => {
    const stream = new BlockStream();
    const whole = `Before.\n\n${text}\n\nAfter.`;
    for (let end = 1; end <= whole.length; end += 1) {
      const element = document.createElement('div');
      for (const block of stream.update(whole.slice(0, end), false)) {
        if (block.kind === 'html') element.insertAdjacentHTML('beforeend', block.html);
      }
      expectHarmless(element, whole.slice(0, end));
    }
  });

  it('shows raw HTML as the text that it is', () => {
    expect(page('Use <b>this</b> tag.').textContent).toBe('Use <b>this</b> tag.\n');
  });

  it('shows an image as a chip that says where it is, and fetches nothing', () => {
    const chip = page('![a map](https://example.com/map.png)').querySelector('.image-chip');
    expect(chip?.textContent).toBe('Image: a map example.com');
    expect(chip?.getAttribute('href')).toBe('https://example.com/map.png');
  });

  it('keeps lists, tables, emphasis and line breaks', () => {
    const made = page('# T\n\n- **a**\n- _b_\n\n| x | y |\n|---|--:|\n| 1 | 2 |\n\none\ntwo');
    expect(made.querySelectorAll('li')).toHaveLength(2);
    expect(made.querySelectorAll('td')).toHaveLength(2);
    expect(made.querySelector('strong')?.textContent).toBe('a');
    expect(made.querySelector('br')).not.toBeNull();
  });
});

describe('a stream of markdown', () => {
  const TEXT = 'First paragraph.\n\n- one\n- two\n\n```ts\nconst a = 1;\n\nconst b = 2;\n```\n\n> quote\n\nLast **bold** word.';

  it('ends as the whole text does', () => {
    const stream = new BlockStream();
    for (let end = 1; end <= TEXT.length; end += 3) stream.update(TEXT.slice(0, end), false);
    expect(html(stream.update(TEXT, true))).toBe(html(blocksOf(TEXT)));
  });

  it('makes only its last block anew', () => {
    const stream = new BlockStream();
    const at = TEXT.indexOf('> quote') + 4;
    const before = stream.update(TEXT.slice(0, at), false);
    const after = stream.update(TEXT, false);
    expect(before.length).toBeGreaterThan(3);
    before.slice(0, -1).forEach((block, index) => expect(after[index]).toBe(block));
  });

  it('begins anew when the text is another', () => {
    const stream = new BlockStream();
    stream.update('One.\n\nTwo.\n\nThree.', false);
    expect(html(stream.update('Other.', true))).toContain('Other.');
    expect(html(stream.update('Other.', true))).not.toContain('One.');
  });

  it('knows a code block that is still open', () => {
    const [open] = new BlockStream().update('```py\nprint(1)', false);
    const [closed] = new BlockStream().update('```py\nprint(1)\n```', false);
    expect(open).toMatchObject({ kind: 'code', language: 'py', closed: false, text: 'print(1)' });
    expect(closed).toMatchObject({ kind: 'code', closed: true, text: 'print(1)' });
  });

  it.each([
    ['so **bold', 'so **bold**'],
    ['so **', 'so '],
    ['so **bold** and', 'so **bold** and'],
    ['run `npm i', 'run `npm i`'],
    ['see [docs](https://exa', 'see '],
    ['plain', 'plain'],
  ])('closes what %s has opened', (open, closed) => expect(closeOpenMarks(open)).toBe(closed));

  it('costs little for each token of a long answer', { retry: 2 }, () => {
    const long = `${'A paragraph of some length, with **bold** words in it.\n\n'.repeat(400)}`;
    const stream = new BlockStream();
    stream.update(long, false);
    const started = performance.now();
    for (let step = 0; step < 200; step += 1) stream.update(`${long}${'word '.repeat(step)}`, false);
    expect((performance.now() - started) / 200).toBeLessThan(16);
  });
});

describe('code', () => {
  it('is coloured in known languages and stays text in others', () => {
    expect(highlight('let a = "<img src=x>";', 'ts')).toContain('hljs-keyword');
    expect(highlight('let a = "<img src=x>";', 'ts')).not.toContain('<img');
    expect(highlight('x', 'brainfuck')).toBeNull();
    expect(highlight('x'.repeat(50_000), 'ts')).toBeNull();
  });

  it('passes the gate like everything else', () => {
    expect(sanitise('<span class="hljs-string" onclick="x()">a</span>')).toBe('<span class="hljs-string">a</span>');
  });
});
