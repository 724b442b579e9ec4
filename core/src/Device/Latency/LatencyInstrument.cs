using System.Diagnostics.Metrics;

namespace CsiThin.Core.Device.Latency;

/// <summary>
/// A histogram in seconds that is observed: whoever measures counts into <see cref="LatencyHistogram"/>s, and they are read when somebody
/// looks. The runtime's own Histogram calls its listeners for each value, which no data path can pay. A listener that knows this type
/// calls <see cref="Read"/>; one that takes numbers alone hears nothing of it.
/// </summary>
public sealed class LatencyInstrument : ObservableInstrument<long>
{
    private readonly Func<IEnumerable<LatencyReading>> _read;

    /// <summary>Publishes it on <paramref name="meter"/>.</summary>
    public LatencyInstrument(Meter meter, string name, string description, Func<IEnumerable<LatencyReading>> read)
        : base(meter, name, "s", description)
    {
        _read = read;
        Publish();
    }

    /// <summary>What was counted so far.</summary>
    public IEnumerable<LatencyReading> Read() => _read();

    /// <inheritdoc/>
    protected override IEnumerable<Measurement<long>> Observe() => [];
}
