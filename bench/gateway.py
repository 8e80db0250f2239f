"""The gateway of a home behind plain uvicorn, without a front: `python -m bench.gateway HOME PORT`."""

import sys

import uvicorn

from clary import home
from clary.config import read
from clary.kernel import log
from clary.world import World


def main() -> None:
    config = read(home=sys.argv[1], port=int(sys.argv[2]))
    log.configure(config.log_level)  # an access line a request, as in `clary up`
    home.make(config)
    world = World(config, home.read(config))
    uvicorn.run(
        world.gateway,
        port=config.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
