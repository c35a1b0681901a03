"""For platform administration: what makes a call leave its row."""

from tests.architecture.audit_cases import act, leaves
from tests.support.world import World

ROOT = "root@world.example"


def root(world: World) -> str:
    world.person(ROOT, admin=True)
    return world.token("services_v1", ROOT)


@leaves("services_v1.admin.workers_restart_all", "workers.restarted")
def restart_workers(world: World) -> None:
    act(world, "services_v1.admin.workers_restart_all", token=root(world))


@leaves("services_v1.admin.daemons_restart_all", "daemons.restarted")
def restart_daemons(world: World) -> None:
    act(world, "services_v1.admin.daemons_restart_all", token=root(world))
