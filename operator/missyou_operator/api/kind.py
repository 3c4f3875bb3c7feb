"""What Kubernetes calls MissYouApps and MissYouTenants, and the finalizer that holds an app until its stack is gone."""

from __future__ import annotations

GROUP = "missyou.app"
VERSION = "v1alpha1"
KIND = "MissYouApp"
PLURAL = "missyouapps"
FINALIZER = f"{GROUP}/finalizer"
TENANT_KIND = "MissYouTenant"
TENANT_PLURAL = "missyoutenants"
