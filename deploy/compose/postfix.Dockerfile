# Postfix behind the gateway: Debian's, with the edge position's configuration (deploy/postfix/edge) as it is shipped.

FROM debian:12.12-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postfix ca-certificates \
 && rm -rf /var/lib/apt/lists/*
COPY deploy/postfix/edge/main.cf deploy/postfix/edge/master.cf /usr/share/macrogate/

# DOMAINS: what mail is taken for. INSIDE: the mail server it goes to, as in [mail.example.com]:25
ARG HOSTNAME
ARG DOMAINS
ARG INSIDE
# Recipients are asked about inside before they are taken, or what is refused there would bounce to forged senders.
RUN cat /usr/share/macrogate/main.cf >> /etc/postfix/main.cf \
 && postconf -M# smtp/inet \
 && cat /usr/share/macrogate/master.cf >> /etc/postfix/master.cf \
 && postconf -F '*/*/chroot=n' \
 && postconf -e "myhostname=$HOSTNAME" "mydestination=" "relay_domains=$DOMAINS" "relayhost=" \
        "relay_transport=smtp:$INSIDE" "inet_interfaces=all" "mynetworks=127.0.0.0/8" "maillog_file=/dev/stdout" \
        "smtpd_recipient_restrictions=reject_unverified_recipient" "unverified_recipient_reject_code=550" \
 && postfix check
VOLUME /var/spool/postfix /var/lib/postfix
ENTRYPOINT ["/usr/sbin/postfix", "start-fg"]
