# The image that XNAT's Container Service launches. `docker build .` is enough; `make image` also tests what it made.
ARG BASE=docker.io/library/python:3.12-slim-bookworm

FROM ${BASE} AS build
# A bundle of CAs, where the package index is reached through a proxy that signs anew. It stays in this stage.
ARG PIP_CERT
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY image/build.lock image/runtime.lock image/
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip install --quiet --only-binary :all: --require-hashes -r image/build.lock \
 && python3 -m pip --python /opt/venv/bin/python3 install --quiet --only-binary :all: --require-hashes -r image/runtime.lock
COPY . .
RUN python3 -m pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir dist . \
 && python3 -m pip --python /opt/venv/bin/python3 install --quiet --no-index --no-deps dist/*.whl \
 && python3 -m pip --python /opt/venv/bin/python3 check

FROM ${BASE}
# The version of bookworm, with whatever its security updates append.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends 'libturbojpeg0=1:2.1.5-2*' \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/* \
 && python3 -m pip uninstall --quiet --yes --root-user-action=ignore pip
COPY --from=build /opt/venv /opt/venv
# No home: the tool reads and writes nothing there, whoever it runs as.
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/nonexistent \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONNOUSERSITE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /work
USER 1000:1000
ENTRYPOINT ["xnat-pixelanon"]

ARG BASE
ARG REVISION=
ARG SOURCE=
LABEL org.opencontainers.image.title="xnat-pixelanon" \
      org.opencontainers.image.description="Moves anonymised copies of imaging sessions from a staging XNAT project into a clean one" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

# From here on: written by `make label`.
LABEL org.opencontainers.image.version='0.1.0'
LABEL org.nrg.commands='[\
{"name":"pixelanon","label":"Pixelanon","description":"Publishes anonymised copies of sessions into another project of this XNAT, as the project\u0027s own stored templates and policy say: rectangles blackened, headers cleaned, every file proved.","version":"0.1.0","schema-version":"1.0","type":"docker","image":"xnat-pixelanon:0.1.0","command-line":"launch","override-entrypoint":false,"mounts":[\
{"name":"input","writable":false,"path":"/input"},\
{"name":"work","writable":true,"path":"/work"}],"environment-variables":{"PIXELANON_ACTION":"#action#","PIXELANON_PROJECT":"#project-id#","PIXELANON_SESSION":"#session-id#","PIXELANON_SERVER":"same","PIXELANON_CLEAN_PROJECT":"#clean-project#","PIXELANON_LABEL_PREFIX":"#label-prefix#","PIXELANON_AVAILABLE_SCANS":"#available-scans#","PIXELANON_MOUNT":"/input","TMPDIR":"/work"},"inputs":[\
{"name":"action","description":"What the container does; each menu entry has its own.","type":"string","required":true},\
{"name":"project-id","description":"ID of the staging project.","type":"string","required":true},\
{"name":"session-id","description":"ID of the session, for the entries that work on one.","type":"string","required":false,"default-value":""},\
{"name":"clean-project","label":"Clean project","description":"ID of the project that receives the anonymised copies. Only \u0027set up\u0027 stores it; any other entry refuses a project that is not the policy\u0027s.","type":"string","required":false,"default-value":""},\
{"name":"label-prefix","label":"Prefix of clean labels","description":"Put before the pseudonyms of subjects and sessions: at most 16 letters, digits, dashes or underscores. May be empty.","type":"string","required":false,"default-value":""},\
{"name":"available-scans","label":"Send available scans","description":"On: a session is sent without the scans that wait for a decision. Off: it waits until all of its scans are decided.","type":"boolean","required":false,"default-value":"false","true-value":"true","false-value":"false"}],"outputs":[],"reserve-memory":512,"limit-memory":4096,"limit-cpu":2.0,"visibility":"public","xnat":[\
{"name":"set-up","label":"1 Set up publishing","description":"Stores a first policy, disarmed, and the key for pseudonyms in this project. Needs an owner of this project. Nothing is sent.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"set-up","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"dry-run","label":"2 Dry run","description":"Decides every scan and reports what a run would do. Nothing is sent.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"dry-run","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"survey","label":"Survey all images","description":"Groups all scans, shows what each group looks like, and puts review.html, the page to review them, into the project resource PIXELANON. Nothing is sent.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"survey","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"store-documents","label":"3 Store documents","description":"Stores templates.json, policy.json and script.das from this project\u0027s resource PIXELANON_DOCUMENTS. Needs an owner; a file that was made from an older version is refused.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"store-documents","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"arm","label":"4 Arm publishing","description":"Lets runs publish what the stored templates allow. Needs an owner. Look at a dry run first.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"arm","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"run","label":"5 Publish sessions","description":"Publishes anonymised copies of all sessions of this project that are decided, proves each file, and rebuilds the worklist.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"run","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"disarm","label":"Stop publishing","description":"Nothing more is published from this project, runs at work included. Needs an owner.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"disarm","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"run-session","label":"Publish this session","description":"Publishes an anonymised copy of this session once it is quiet and all of its scans are decided.","contexts":["xnat:imageSessionData"],"external-inputs":[\
{"name":"session","label":"Session","description":"The session that was chosen.","type":"Session","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"run","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its project.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"session","derived-from-xnat-object-property":"project-id","provides-value-for-command-input":"project-id"},\
{"name":"of-session","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"session","derived-from-xnat-object-property":"id","provides-value-for-command-input":"session-id"}]},\
{"name":"withdraw-session","label":"Withdraw the clean copy of this session","description":"Deletes the clean copy of this session and keeps it from being published again, for as long as its override stands in templates.json. Needs an owner of both projects.","contexts":["xnat:imageSessionData"],"external-inputs":[\
{"name":"session","label":"Session","description":"The session that was chosen.","type":"Session","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"withdraw","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its project.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"session","derived-from-xnat-object-property":"project-id","provides-value-for-command-input":"project-id"},\
{"name":"of-session","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"session","derived-from-xnat-object-property":"id","provides-value-for-command-input":"session-id"}]}]},\
{"name":"pixelanon-second-server","label":"Pixelanon (second XNAT)","description":"Publishes anonymised copies of sessions into a project of a second XNAT, as the project\u0027s own stored templates and policy say: rectangles blackened, headers cleaned, every file proved.","version":"0.1.0","schema-version":"1.0","type":"docker","image":"xnat-pixelanon:0.1.0","command-line":"launch","override-entrypoint":false,"mounts":[\
{"name":"input","writable":false,"path":"/input"},\
{"name":"work","writable":true,"path":"/work"}],"environment-variables":{"PIXELANON_ACTION":"#action#","PIXELANON_PROJECT":"#project-id#","PIXELANON_SESSION":"#session-id#","PIXELANON_SERVER":"PUBLIC","PIXELANON_CLEAN_PROJECT":"#clean-project#","PIXELANON_LABEL_PREFIX":"#label-prefix#","PIXELANON_AVAILABLE_SCANS":"#available-scans#","PIXELANON_MOUNT":"/input","TMPDIR":"/work"},"inputs":[\
{"name":"action","description":"What the container does; each menu entry has its own.","type":"string","required":true},\
{"name":"project-id","description":"ID of the staging project.","type":"string","required":true},\
{"name":"session-id","description":"ID of the session, for the entries that work on one.","type":"string","required":false,"default-value":""},\
{"name":"clean-project","label":"Clean project","description":"ID of the project that receives the anonymised copies. Only \u0027set up\u0027 stores it; any other entry refuses a project that is not the policy\u0027s.","type":"string","required":false,"default-value":""},\
{"name":"label-prefix","label":"Prefix of clean labels","description":"Put before the pseudonyms of subjects and sessions: at most 16 letters, digits, dashes or underscores. May be empty.","type":"string","required":false,"default-value":""},\
{"name":"available-scans","label":"Send available scans","description":"On: a session is sent without the scans that wait for a decision. Off: it waits until all of its scans are decided.","type":"boolean","required":false,"default-value":"false","true-value":"true","false-value":"false"}],"outputs":[],"reserve-memory":512,"limit-memory":4096,"limit-cpu":2.0,"visibility":"public","secrets":[{"source":{"type":"system-property","identifier":"pixelanon.public.host"},"destination":{"type":"environment-variable","identifier":"PIXELANON_PUBLIC_HOST"}},{"source":{"type":"system-property","identifier":"pixelanon.public.user"},"destination":{"type":"environment-variable","identifier":"PIXELANON_PUBLIC_USER"}},{"source":{"type":"system-property","identifier":"pixelanon.public.pass"},"destination":{"type":"environment-variable","identifier":"PIXELANON_PUBLIC_PASS"}}],"xnat":[\
{"name":"set-up","label":"1 Set up publishing (second XNAT)","description":"Second XNAT. Stores a first policy, disarmed, and the key for pseudonyms in this project. Needs an owner of this project. Nothing is sent.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"set-up","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"dry-run","label":"2 Dry run (second XNAT)","description":"Second XNAT. Decides every scan and reports what a run would do. Nothing is sent.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"dry-run","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"survey","label":"Survey all images (second XNAT)","description":"Second XNAT. Groups all scans, shows what each group looks like, and puts review.html, the page to review them, into the project resource PIXELANON. Nothing is sent.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"survey","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"store-documents","label":"3 Store documents (second XNAT)","description":"Second XNAT. Stores templates.json, policy.json and script.das from this project\u0027s resource PIXELANON_DOCUMENTS. Needs an owner; a file that was made from an older version is refused.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"store-documents","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"arm","label":"4 Arm publishing (second XNAT)","description":"Second XNAT. Lets runs publish what the stored templates allow. Needs an owner. Look at a dry run first.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"arm","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"run","label":"5 Publish sessions (second XNAT)","description":"Second XNAT. Publishes anonymised copies of all sessions of this project that are decided, proves each file, and rebuilds the worklist.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"run","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"disarm","label":"Stop publishing (second XNAT)","description":"Second XNAT. Nothing more is published from this project, runs at work included. Needs an owner.","contexts":["xnat:projectData"],"external-inputs":[\
{"name":"project","label":"Project","description":"The staging project.","type":"Project","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"disarm","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-session","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"session-id"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"project","derived-from-xnat-object-property":"id","provides-value-for-command-input":"project-id"}]},\
{"name":"run-session","label":"Publish this session (second XNAT)","description":"Second XNAT. Publishes an anonymised copy of this session once it is quiet and all of its scans are decided.","contexts":["xnat:imageSessionData"],"external-inputs":[\
{"name":"session","label":"Session","description":"The session that was chosen.","type":"Session","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"run","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its project.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"session","derived-from-xnat-object-property":"project-id","provides-value-for-command-input":"project-id"},\
{"name":"of-session","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"session","derived-from-xnat-object-property":"id","provides-value-for-command-input":"session-id"}]},\
{"name":"withdraw-session","label":"Withdraw the clean copy of this session (second XNAT)","description":"Second XNAT. Deletes the clean copy of this session and keeps it from being published again, for as long as its override stands in templates.json. Needs an owner of both projects.","contexts":["xnat:imageSessionData"],"external-inputs":[\
{"name":"session","label":"Session","description":"The session that was chosen.","type":"Session","required":true,"load-children":false,"provides-files-for-command-mount":"input","user-settable":false},\
{"name":"menu-action","description":"Fixed.","type":"string","required":true,"default-value":"withdraw","user-settable":false,"provides-value-for-command-input":"action"},\
{"name":"no-clean-project","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"clean-project"},\
{"name":"no-label-prefix","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"label-prefix"},\
{"name":"no-available-scans","description":"Not used here.","type":"string","required":false,"default-value":"","user-settable":false,"provides-value-for-command-input":"available-scans"}],"derived-inputs":[\
{"name":"of-project","description":"Its project.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"session","derived-from-xnat-object-property":"project-id","provides-value-for-command-input":"project-id"},\
{"name":"of-session","description":"Its ID.","type":"string","required":true,"user-settable":false,"derived-from-wrapper-input":"session","derived-from-xnat-object-property":"id","provides-value-for-command-input":"session-id"}]}]}]'
