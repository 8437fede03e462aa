/**
 * How markdown becomes HTML here. Raw HTML is shown as the text that it is; an image is a chip, since rendering must
 * not fetch anything; a link keeps its address only when that is http or https.
 */
import { Renderer } from 'marked';

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** The address where it is http(s), else `null`. */
export function webAddress(address: string): URL | null {
  try {
    const url = new URL(address);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url : null;
  } catch {
    return null;
  }
}

class ResidentRenderer extends Renderer {
  override html({ text }: { text: string }): string {
    return /^<br\s*\/?>$/i.test(text.trim()) ? '<br>' : escaped(text);
  }

  override image({ href, text }: { href: string; text: string }): string {
    const url = webAddress(href);
    const words = text.trim() === '' ? 'Image' : `Image: ${text}`;
    if (!url) return `<span class="image-chip">${escaped(words)}</span>`;
    const where = escaped(url.host);
    return `<a class="image-chip" href="${escaped(url.href)}">${escaped(words)} <span>${where}</span></a>`;
  }

  override link(link: Parameters<Renderer['link']>[0]): string {
    const words = this.parser.parseInline(link.tokens);
    const url = webAddress(link.href);
    return url ? `<a href="${escaped(url.href)}" title="${escaped(url.href)}">${words}</a>` : words;
  }

  override checkbox({ checked }: { checked: boolean }): string {
    return `<span class="task">${checked ? '☑' : '☐'}</span> `;
  }
}

export const renderer = new ResidentRenderer();
