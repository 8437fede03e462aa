/**
 * Errors at the edge: whatever a transport throws becomes an `ApiError`, so that the rest of the interface has one
 * shape to show, with a sentence for the reader and a hint of what to do.
 */
import type { ApiError } from './generated/ApiError';

function isApiError(value: unknown): value is ApiError {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

/** The error itself where it is one of the API's, else a defect with what was thrown as its detail. */
export function toApiError(thrown: unknown): ApiError {
  if (isApiError(thrown)) return { code: thrown.code, message: thrown.message, hint: thrown.hint ?? null };
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    code: 'Internal',
    message: 'Resident did not answer. What was saved before is safe.',
    hint: detail === '' ? null : detail,
  };
}
