# A stand-in of the upstream base, for machines without a registry: what base.sh made.
FROM scratch
ADD root.tar /
ADD python.tar /
RUN ldconfig && python3 -m ensurepip >/dev/null && ln -s pip3 /usr/local/bin/pip
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
LABEL xnat-pixelanon.base="stand-in"
CMD ["python3"]
