using System.Text.RegularExpressions;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Prometheus;

/// <summary>Issue 5, part 5: the alerts by themselves, judged by promtool, and their runbook.</summary>
public sealed partial class AlertTests
{
    [Fact]
    public void Promtool_accepts_the_rules() =>
        Assert.Contains("SUCCESS", Tool.Run("promtool", "check", "rules", ChartFiles.PathOf("alerts.yaml")), StringComparison.Ordinal);

    [Fact]
    public void Each_alert_fires_for_what_it_is_about_and_for_nothing_else()
    {
        Assert.Contains("SUCCESS", Tool.Run("promtool", "test", "rules", ChartFiles.PathOf("alert-tests.yaml")), StringComparison.Ordinal);
        var tested = TestedAlert().Matches(ChartFiles.Read("alert-tests.yaml")).Select(match => match.Groups[1].Value).Distinct();
        Assert.Equal(ChartFiles.Alerts().Select(alert => alert.Name).Order(), tested.Order());
    }

    [Fact]
    public void Each_alert_has_its_words_and_its_section_in_the_runbook_and_each_section_its_alert()
    {
        var alerts = ChartFiles.Alerts();
        Assert.NotEmpty(alerts);
        foreach (var alert in alerts)
        {
            Assert.Matches("labels: {severity: (warning|critical)}", alert.Text);
            Assert.Matches("summary: '.{10,}'", alert.Text);
            Assert.Matches("description: '.{20,}'", alert.Text);
            Assert.Contains($"runbook_url: RUNBOOK_URL#{alert.Name.ToLowerInvariant()}", alert.Text, StringComparison.Ordinal);
        }

        var runbook = ChartFiles.Read("runbook.md");
        var sections = runbook.Split("\n## ").Skip(1).ToDictionary(section => section.Split('\n')[0]);
        Assert.Equal(alerts.Select(alert => alert.Name).Order(), sections.Keys.Order());
        Assert.All(sections.Values, section => Assert.All(
            ["**Meaning.**", "**Look.**", "**Do.**"], part => Assert.Contains(part, section, StringComparison.Ordinal)));
        Assert.All(
            SectionLink().Matches(runbook).Select(match => match.Groups[1].Value),
            link => Assert.Contains(link, sections.Keys.Select(name => name.ToLowerInvariant())));
    }

    [GeneratedRegex(@"alertname=""(\w+)""")]
    private static partial Regex TestedAlert();

    [GeneratedRegex(@"\]\(#(\w+)\)")]
    private static partial Regex SectionLink();
}
