#!/bin/sh
# Run by the image once, when the cluster is made: a database for each service, owned by a role of its own. So a
# service cannot read another's tables even by a slip.
set -eu
for service in chat search bot analytics; do
  psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --set name="tertulia_$service" \
    --set password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
