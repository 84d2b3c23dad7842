// What can go wrong between this browser and its server, as kinds; the words are in `_locales`.

import { say } from "./words";
import type { Failure, FailureKind } from "./messages";

/** Thrown by whatever talks to the server; `failure` is what people get to see. */
export class Failed extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** Return the failure `kind` in words; `server` is named where that helps. */
export function makeFailure(kind: FailureKind, server = ""): Failure {
  return { kind, message: say(`failure_${kind}`, server), fix: say(`fix_${kind}`, server) };
}

/** Return what the server refused, in its own words. */
export function makeRefusal(message: string, fix: string): Failure {
  return { kind: "refused", message, fix };
}
