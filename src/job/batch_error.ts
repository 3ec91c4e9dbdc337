// What an item of a batch has failed with.

import { JobCloneError, JobNotFoundError } from "../errors.ts";
import { unpackError } from "../values/unpack_error.ts";
import type { Ending } from "../wire/protocol.ts";
import { explain } from "./explain.ts";
import type { PoolFunction } from "./functions.ts";

/** The error of an item that ended so. */
export function errorOfItem(ending: Ending, fn: PoolFunction): unknown {
  switch (ending.kind) {
    case "not-cloneable":
      return new JobCloneError(ending.message);
    case "not-found":
      return new JobNotFoundError(ending.message);
    case "error": {
      const error = unpackError(ending.error);
      explain(error, fn);
      return error;
    }
  }
  throw new TypeError("Expected the ending of an item");
}
