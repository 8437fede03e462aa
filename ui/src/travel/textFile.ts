/**
 * Files that a person hands over, read as text.
 */
import type { ApiError } from '../backend/generated';
import { bytes } from '../format/numbers';

export interface TextLimits {
  /** The most bytes; a file that is larger is not even read. */
  most: number;
  /** What to do about one that is larger. */
  tooLarge: string;
  /** What to do about one that is no text. */
  noText: string;
}

function refusal(message: string, hint: string | null): ApiError {
  return { code: 'Invalid', message, hint };
}

/** The text of a file; throws an `ApiError` that says why it has none. */
export async function readText(file: File, { most, tooLarge, noText }: TextLimits): Promise<string> {
  if (file.size > most) throw refusal(`It is larger than ${bytes(most)}.`, tooLarge);
  let data: ArrayBuffer;
  try {
    data = await file.arrayBuffer();
  } catch {
    throw refusal('It could not be read. It may be a folder, or gone.', null);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    text = '\0';
  }
  if (text.includes('\0')) throw refusal('It is not a text in UTF-8.', noText);
  if (text.trim() === '') throw refusal('It is empty, or a folder.', null);
  return text;
}

/** Whether a drag brings files. */
export function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') === true;
}

/** Whether a file is one of an agent, by its name. */
export function isAgentFile(file: File): boolean {
  return file.name.toLowerCase().endsWith('.af');
}
