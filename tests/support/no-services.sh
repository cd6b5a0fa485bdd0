#!/bin/sh
# SPDX-License-Identifier: MIT
# The guard of install.sh: apt hands the .deb files it is about to install to this script's
# standard input and gives up when it fails. A package whose set-up script registers or starts
# a service is refused, unless it is there already (then it is only brought up to date).
# Two are let through, for their boot scripts start nothing: that of procps applies sysctl
# settings, and cmake cannot do without it; that of x11-common makes two directories in /tmp, and
# ffmpeg cannot.
starter='deb-systemd-|invoke-rc\.d|update-rc\.d|systemctl'
refused=0
while read -r deb; do
  name=$(dpkg-deb --field "$deb" Package)
  case $name in procps | x11-common) continue ;; esac
  case $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) in
    installed) continue ;;
  esac
  if dpkg-deb --info "$deb" postinst 2>/dev/null | grep -Eq "$starter"; then
    echo "refused: package $name would start a service" >&2
    refused=1
  fi
done
exit $refused
