/* Before anything is drawn: light or dark as it was chosen here, so that no page flashes. */
{
  const chosen = localStorage.getItem("sla-monitor-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
