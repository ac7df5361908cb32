# kube-proxy calls iptables, nft, conntrack, ipset and modprobe, so it alone of the components needs a distribution.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends conntrack ipset iptables kmod nftables \
    && rm -rf /var/lib/apt/lists/*
COPY kube-proxy /usr/local/bin/
