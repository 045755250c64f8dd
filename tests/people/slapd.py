"""A real directory server for tests: OpenLDAP with the entries of a FreeIPA-class directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import components
from tests.servers import free_port

BASE = "cn=users,cn=accounts,dc=department,dc=example"
READER = "uid=otklik,cn=sysaccounts,dc=department,dc=example"
PASSWORD = "of-the-reader"
ENTRIES = f"""\
dn: dc=department,dc=example
objectClass: domain
dc: department

dn: cn=sysaccounts,dc=department,dc=example
objectClass: nsContainer
cn: sysaccounts

dn: {READER}
objectClass: account
objectClass: simpleSecurityObject
uid: otklik
userPassword: {PASSWORD}

dn: cn=accounts,dc=department,dc=example
objectClass: nsContainer
cn: accounts

dn: {BASE}
objectClass: nsContainer
cn: users
"""


@dataclass
class Directory:
    """A running server. `plain` and `tls`: addresses as `OTKLIK_LDAP_URL` wants them."""

    port: int
    tls_port: int
    base: Path

    @property
    def plain(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls(self) -> str:
        return f"ldaps://localhost:{self.tls_port}"

    @property
    def ca(self) -> str:
        return str(self.base / "cert.pem")

    def add(self, uid: str, *, password: str = "", locked: bool = False, **said: str) -> None:
        """Put a person in; what is not said is «Вера Примерова»."""
        facts = {"sn": "Примерова", "givenName": "Вера", "cn": "Примерова Вера", **said}
        lines = [f"dn: uid={uid},{BASE}", "objectClass: inetOrgPerson", "objectClass: ipaUser", f"uid: {uid}"]
        lines += [f"{name}: {value}" for name, value in facts.items()]
        lines += [f"userPassword: {password}"] if password else []
        lines += ["nsAccountLock: TRUE"] if locked else []
        self._tool("ldapadd", "\n".join(lines) + "\n")

    def change(self, uid: str, **said: str) -> None:
        """Say something else of a person."""
        changes = "".join(f"replace: {name}\n{name}: {value}\n-\n" for name, value in said.items())
        self._tool("ldapmodify", f"dn: uid={uid},{BASE}\nchangetype: modify\n{changes}")

    def remove(self, uid: str) -> None:
        """Take a person out."""
        self._tool("ldapmodify", f"dn: uid={uid},{BASE}\nchangetype: delete\n")

    def _tool(self, name: str, ldif: str) -> None:
        command = [name, "-x", "-H", self.plain, "-D", "cn=root,dc=department,dc=example", "-w", "root"]
        subprocess.run(command, input=ldif, text=True, check=True, capture_output=True)


@contextmanager
def directory() -> Iterator[Directory]:
    """Run slapd on free ports with nobody in it yet."""
    program = components.slapd() or "slapd"
    base = Path(tempfile.mkdtemp(prefix="otklik-slapd-"))
    (base / "db").mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", base / "key.pem", "-out", base / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    (base / "slapd.conf").write_text(f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 2.16.840.1.113730.3.1.610 NAME 'nsAccountLock'
  EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 2.16.840.1.113730.3.2.104 NAME 'nsContainer' SUP top STRUCTURAL MUST cn )
objectclass ( 1.3.6.1.4.1.99999.1 NAME 'ipaUser' SUP top AUXILIARY MAY nsAccountLock )
pidfile {base}/pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {base}/cert.pem
TLSCertificateKeyFile {base}/key.pem
database mdb
maxsize 104857600
suffix "dc=department,dc=example"
rootdn "cn=root,dc=department,dc=example"
rootpw root
directory {base}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn="{READER}" read by anonymous auth by * none
""")
    (base / "entries.ldif").write_text(ENTRIES)
    add = [shutil.which("slapadd", path=f"{os.environ['PATH']}:/usr/sbin") or "slapadd"]
    subprocess.run([*add, "-f", base / "slapd.conf", "-l", base / "entries.ldif"], check=True, capture_output=True)
    here = Directory(free_port(), free_port(), base)
    listens = f"ldap://127.0.0.1:{here.port}/ ldaps://localhost:{here.tls_port}/"
    log = (base / "log").open("w")
    server = subprocess.Popen([program, "-f", base / "slapd.conf", "-h", listens, "-d", "0"], stdout=log, stderr=log)
    try:
        for _ in range(200):
            if server.poll() is not None:
                raise RuntimeError(f"slapd did not start: {(base / 'log').read_text()}")
            asked = ["ldapsearch", "-x", "-H", here.plain, "-s", "base"]
            if subprocess.run(asked, capture_output=True, check=False).returncode != 255:  # no connection
                break
            threading.Event().wait(0.05)
        yield here
    finally:
        server.terminate()
        server.wait(10)
        log.close()
        shutil.rmtree(base, ignore_errors=True)
