using System.Diagnostics.Metrics;
using System.Text;
using CsiThin.Core.Device.Latency;

namespace CsiThin.Driver.Telemetry;

/// <summary>
/// Listens to every meter whose name begins with <c>CsiThin.</c>, of whatever floor, and writes what it heard as Prometheus text. The code
/// that measures knows <see cref="System.Diagnostics.Metrics"/> only; this folder alone knows Prometheus.
/// <para>Concurrency: recordings come from any thread; <c>_gate</c> makes scrapes one at a time, and guards the list of families.</para>
/// </summary>
internal sealed class PrometheusExporter : IDisposable
{
    private const string MeterPrefix = "CsiThin.";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly Dictionary<LatencyInstrument, MetricFamily> _latencies = [];
    private readonly MeterListener _listener = new();
    private readonly Action<Exception> _onError;

    /// <summary>
    /// Begins to listen. What observing throws goes to <paramref name="onError"/>; the other figures are written all the same.
    /// </summary>
    public PrometheusExporter(Action<Exception> onError)
    {
        _onError = onError;
        _listener.InstrumentPublished = Publish;
        _listener.MeasurementsCompleted = Complete;
        _listener.SetMeasurementEventCallback<long>((_, value, tags, family) => Record(family, value, tags));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, family) => Record(family, value, tags));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, family) => Record(family, value, tags));
        _listener.Start();
    }

    /// <summary>The state of everything at this moment.</summary>
    public string Scrape()
    {
        lock (_gate)
        {
            foreach (var family in _families.Values)
            {
                if (family.Description.IsObserved)
                    family.Clear();
            }

            Observe();

            var output = new StringBuilder();
            foreach (var family in _families.Values.OrderBy(family => family.Description.Name, StringComparer.Ordinal))
                family.Write(output);
            return output.ToString();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private void Observe()
    {
        try
        {
            _listener.RecordObservableInstruments();
        }
        catch (AggregateException failures)
        {
            _onError(failures);
        }

        foreach (var (instrument, family) in _latencies)
        {
            try
            {
                foreach (var reading in instrument.Read())
                    family.Take(reading);
            }
            catch (Exception failure)
            {
                _onError(failure);
            }
        }
    }

    private void Publish(Instrument instrument, MeterListener listener)
    {
        if (!instrument.Meter.Name.StartsWith(MeterPrefix, StringComparison.Ordinal))
            return;
        var family = new MetricFamily(MetricDescription.Of(instrument));
        lock (_gate)
        {
            // Two instruments of one name (two servers in one process) share a family: a name may be exposed once only.
            if (!_families.TryAdd(family.Description.Name, family))
                family = _families[family.Description.Name];
            if (instrument is LatencyInstrument latency)
                _latencies[latency] = family;
        }

        listener.EnableMeasurementEvents(instrument, family);
    }

    private void Complete(Instrument instrument, object? family)
    {
        lock (_gate)
        {
            if (instrument is LatencyInstrument latency)
                _latencies.Remove(latency);
        }
    }

    private static void Record(object? family, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        ((MetricFamily)family!).Record(value, tags);
}
