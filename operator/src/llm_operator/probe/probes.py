"""Everything that is asked of running models, behind one object: what the reconciler hands over and what the caches read."""

from collections.abc import Callable, Mapping, Sequence

from llm_operator.outcome import Probing
from llm_operator.plan.inputs import Object, Probed, Stall
from llm_operator.probe.asking import Client
from llm_operator.probe.prober import Key, Prober
from llm_operator.probe.reachability import Reachability
from llm_operator.probe.token_watch import TokenWatch


class Probes:
    """Only while this replica leads: call `run` then."""

    def __init__(
        self,
        *,
        pods: Callable[[Key], Sequence[Object]],
        ask_for: Callable[[Key], None],
        count: Callable[[str], None],
        on_reachable: Callable[[bool], None],
    ) -> None:
        self._client = Client()
        self._prober = Prober(self._client, ask_for, reachability=Reachability(on_reachable), count=count)
        self._tokens = TokenWatch(self._client, pods, ask_for)

    def watch(self, key: Key, probing: Probing) -> None:
        """What is to be asked about one LLMDeployment from now on."""
        self._prober.watch(key, probing.targets)
        self._tokens.watch(key, probing.progress)

    def results(self, key: Key) -> Mapping[str, Probed] | None:
        """See Prober."""
        return self._prober.results(key)

    def stalls(self, key: Key) -> tuple[Stall, ...]:
        """See TokenWatch."""
        return self._tokens.stalls(key)

    async def run(self) -> None:
        """Ends only by cancellation."""
        try:
            await self._prober.run()
        finally:
            self._tokens.close()
            await self._client.close()
