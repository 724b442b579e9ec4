using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using CsiThin.Core.Tests.Support;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Prometheus;

/// <summary>Debian's Prometheus, scraping every second what it is told to.</summary>
internal sealed class PrometheusProcess : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly HttpClient _client;
    private readonly Process _process;
    private readonly StringBuilder _said = new();

    /// <summary>Starts it; <paramref name="targets"/> are addresses of /metrics with the component they are scraped as.</summary>
    public PrometheusProcess(TempDirectory directory, string rules, params (string Component, Uri Address)[] targets)
    {
        var port = Loopback.FreePort();
        _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = Limit };
        File.WriteAllText(directory.File("alerts.yaml"), rules);
        var configuration = new StringBuilder(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [alerts.yaml]\nscrape_configs:\n- job_name: csi-thin\n"
            + "  static_configs:\n");
        foreach (var (component, address) in targets)
            configuration.Append(CultureInfo.InvariantCulture, $"  - targets: ['{address.Authority}']\n")
                .Append(CultureInfo.InvariantCulture, $"    labels: {{node: worker-1, component: {component}}}\n");
        File.WriteAllText(directory.File("prometheus.yml"), configuration.ToString());
        var start = new ProcessStartInfo(
            "prometheus",
            [
                $"--config.file={directory.File("prometheus.yml")}", $"--storage.tsdb.path={directory.File("tsdb")}",
                $"--web.listen-address=127.0.0.1:{port}",
            ])
        {
            RedirectStandardError = true,
        };
        _process = Process.Start(start) ?? throw new InvalidOperationException("prometheus did not start");
        _process.ErrorDataReceived += (_, line) => _said.AppendLine(line.Data);
        _process.BeginErrorReadLine();
        Until(() => _client.GetAsync(new Uri("/-/ready", UriKind.Relative)).GetAwaiter().GetResult().IsSuccessStatusCode, "is ready");
    }

    /// <summary>The series that an expression gives now; fails the test where Prometheus refuses it.</summary>
    public IReadOnlyList<Dictionary<string, string>> Query(string expression)
    {
        using var form = new FormUrlEncodedContent([new("query", expression)]);
        using var response = _client.PostAsync(new Uri("/api/v1/query", UriKind.Relative), form).GetAwaiter().GetResult();
        var answer = response.Content.ReadFromJsonAsync<JsonElement>().GetAwaiter().GetResult();
        Assert.True(answer.GetProperty("status").GetString() == "success", $"{expression}\nis refused: {answer}");
        return
        [
            .. answer.GetProperty("data").GetProperty("result").EnumerateArray()
                .Select(series => series.GetProperty("metric").EnumerateObject().ToDictionary(
                    label => label.Name, label => label.Value.GetString()!)),
        ];
    }

    /// <summary>The series of an expression, once it gives some.</summary>
    public IReadOnlyList<Dictionary<string, string>> QueryUntilAny(string expression)
    {
        IReadOnlyList<Dictionary<string, string>> series = [];
        Until(() => (series = Query(expression)).Count > 0, $"gives something for {expression}");
        return series;
    }

    /// <summary>The values that a label has had.</summary>
    public IReadOnlyList<string> LabelValues(string label) =>
    [
        .. _client.GetFromJsonAsync<JsonElement>(new Uri($"/api/v1/label/{label}/values", UriKind.Relative)).GetAwaiter().GetResult()
            .GetProperty("data").EnumerateArray().Select(value => value.GetString()!),
    ];

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _client.Dispose();
    }

    private void Until(Func<bool> isSo, string what)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                if (isSo())
                    return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            if (TimeProvider.System.GetElapsedTime(begin) > Limit)
                Assert.Fail($"prometheus never {what}; it said\n{_said}");
            Thread.Sleep(100);
        }
    }
}
