/** A document of the API that stays as new as the worker says it is. */
import { useEffect, useState } from "./html.js";
import { get, Problem } from "./api.js";
import { heard, lost } from "./connection.js";
import { learn } from "./now.js";
import { listen } from "./stream.js";
import { renewed } from "./token.js";
import { useStore } from "./store.js";

const AGAIN_MS = 1_000; // asked anew at most this often, however much happens
const ANYWAY_MS = 30_000; // and this often when nothing is said, for what time alone changes

/**
 * `path` is read at once and again whenever `streamPath` says that something changed; an overview that the stream
 * brings along is taken as it is. The last document stays when a later one cannot be had.
 * @param {string} path
 * @param {string} streamPath
 * @returns {{document: any, problem: Problem | null, isOf: string}} `isOf`: the path that the document is of
 */
export function useLive(path, streamPath) {
  const [had, setHad] = useState({ document: /** @type {any} */ (null), isOf: "" });
  const [problem, setProblem] = useState(/** @type {Problem | null} */ (null));
  const tokens = useStore(renewed);

  useEffect(() => {
    const over = new AbortController();
    const take = (/** @type {any} */ said) => {
      if (over.signal.aborted) return;
      learn(said.now);
      heard();
      setHad({ document: said, isOf: path });
      setProblem(null);
    };
    let hasMissed = false; // what happened while nobody could tell us
    const asking = againAndAgain(path, take, setProblem, over.signal);
    const end = listen(streamPath, {
      opened: () => {
        heard();
        if (hasMissed) asking.soon();
        hasMissed = false;
      },
      event: (name, said) => {
        if (name === "overview" && path === "/overview") take(said);
        else {
          heard();
          asking.soon();
        }
      },
      lost: (why) => {
        hasMissed = true;
        if (why instanceof Problem && why.status !== 0) setProblem(why);
        else lost();
      },
    });
    asking.soon();
    const anyway = setInterval(asking.soon, ANYWAY_MS);
    return () => {
      over.abort();
      end();
      clearInterval(anyway);
    };
  }, [path, streamPath, tokens]);

  return { ...had, problem };
}

/**
 * One request at a time; what is asked for meanwhile is asked once more afterwards.
 * @param {string} path
 * @param {(said: any) => void} take
 * @param {(problem: Problem) => void} fail
 * @param {AbortSignal} over
 */
function againAndAgain(path, take, fail, over) {
  let isAsking = false;
  let isWanted = false;
  const ask = async () => {
    isAsking = true;
    isWanted = false;
    let pauseMs = AGAIN_MS;
    try {
      take(await get(path, over));
    } catch (problem) {
      if (over.aborted) return;
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 0) lost();
      else fail(problem);
      isWanted = problem.retryAfterSeconds > 0;
      pauseMs = Math.max(AGAIN_MS, problem.retryAfterSeconds * 1_000);
    }
    setTimeout(() => {
      isAsking = false;
      if (isWanted && !over.aborted) ask();
    }, pauseMs);
  };
  return {
    soon() {
      isWanted = true;
      if (!isAsking) ask();
    },
  };
}
