/**
 * What axe-core finds on the page, as readable lines. Colours are checked where there are pixels, not in jsdom.
 */
import axe from 'axe-core';

export async function violations(): Promise<string[]> {
  const found = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  });
  return found.violations.map(
    (violation) => `${violation.id}: ${violation.help}\n  ${violation.nodes.map((node) => node.html).join('\n  ')}`,
  );
}
