"""TLS to the queue: a real server behind real certificates, and every client of ours refuses the wrong ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from baristaweb.lib import broker
from baristaweb.tests.tls import Authority, tls_in_front_of


def celery_connects(url: str) -> None:
    app = Celery(broker=url, broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5})
    with app.connection_for_write() as connection:
        connection.default_channel.client.ping()


def redis_connects(url: str) -> None:
    """As the relay asks for the length of the queue."""
    with Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
        client.ping()


REFUSED = (RedisError, OperationalError, OSError)
CLIENTS = {"celery": celery_connects, "redis-py": redis_connects}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path, "ours")


@pytest.fixture
def served(tmp_path: Path, authority: Authority) -> Iterator[Callable[[str], str]]:
    """Begins TLS with a certificate for an address; returns the plain `rediss://` address of it."""
    behind = urlsplit(os.environ["BARISTA_TEST_REDIS_URL"])
    open_ones = []

    def serve(address: str) -> str:
        front = tls_in_front_of(behind.port, authority.server(tmp_path, address))
        open_ones.append(front)
        return f"rediss://:{behind.password}@127.0.0.1:{front.__enter__()}/0"

    yield serve
    for front in open_ones:
        front.__exit__(None, None, None)


@pytest.mark.parametrize("client", CLIENTS)
def test_the_right_certificate_is_taken(served: Callable[[str], str], authority: Authority, client: str) -> None:
    CLIENTS[client](broker.verified(served("127.0.0.1"), ca_file=str(authority.file)))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_certificate_that_nobody_vouches_for_is_refused(served: Callable[[str], str], client: str) -> None:
    with pytest.raises(REFUSED, match="CERTIFICATE_VERIFY_FAILED"):
        CLIENTS[client](broker.verified(served("127.0.0.1")))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_certificate_of_another_authority_is_refused(
    served: Callable[[str], str], tmp_path: Path, client: str
) -> None:
    other = Authority.make(tmp_path, "theirs")
    with pytest.raises(REFUSED, match="CERTIFICATE_VERIFY_FAILED"):
        CLIENTS[client](broker.verified(served("127.0.0.1"), ca_file=str(other.file)))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_certificate_of_another_host_is_refused(
    served: Callable[[str], str], authority: Authority, client: str
) -> None:
    with pytest.raises(REFUSED, match="CERTIFICATE_VERIFY_FAILED"):
        CLIENTS[client](broker.verified(served("127.0.0.2"), ca_file=str(authority.file)))


def test_an_address_without_tls_stays_as_it_is() -> None:
    assert broker.verified("redis://:a%2Fb@h:1/0?x=1", ca_file="/ca.pem") == "redis://:a%2Fb@h:1/0?x=1"


def test_what_an_address_says_itself_stays() -> None:
    url = broker.verified("rediss://:p@h:1/0?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs=/own.pem", ca_file="/ca.pem")
    assert url == "rediss://:p@h:1/0?ssl_cert_reqs=required&ssl_check_hostname=true&ssl_ca_certs=/own.pem"


@pytest.mark.parametrize("said", ["ssl_cert_reqs=none", "ssl_cert_reqs=CERT_NONE", "ssl_check_hostname=false"])
def test_an_address_that_checks_nothing_is_known(said: str) -> None:
    assert broker.is_unverified(broker.verified(f"rediss://:p@h:1/0?{said}"))
    assert not broker.is_unverified(broker.verified("rediss://:p@h:1/0"))
