using System.Collections.Concurrent;

namespace Brokkr.Dispatcher.Delivery;

/// <summary>Deliveries that can be used again.</summary>
internal sealed class DeliveryPool
{
    private const int Limit = 1024;
    private readonly ConcurrentQueue<Delivery> _idle = new();
    private int _count;

    public Delivery Rent()
    {
        if (_idle.TryDequeue(out var delivery))
        {
            Interlocked.Decrement(ref _count);
            return delivery;
        }

        return new Delivery(this);
    }

    public void Return(Delivery delivery)
    {
        if (Interlocked.Increment(ref _count) <= Limit)
        {
            _idle.Enqueue(delivery);
        }
        else
        {
            Interlocked.Decrement(ref _count);
        }
    }
}
